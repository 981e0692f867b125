package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// mostPassword bounds a password in bytes.
const mostPassword = 1024

// passwordOf reads the password of --user: from its file, else from the terminal, unseen.
func (t *terminal) passwordOf(r reach) (string, error) {
	if r.PasswordFile != "" {
		f, err := os.Open(r.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read --password-file: %w", err)
		}
		defer func() { _ = f.Close() }()
		if about, err := f.Stat(); err == nil && about.Mode().Perm()&0o077 != 0 {
			fmt.Fprintf(t.err, "wildfire-watch: %s can be read by others: chmod 600 %s\n", r.PasswordFile, r.PasswordFile)
		}
		return firstLine(f)
	}
	in, ok := t.in.(*os.File)
	if !ok || !isTerminal(in) {
		return "", errors.New("nobody is at the terminal to type the password: use --password-file")
	}
	var password string
	err := t.unseen(in, func() (err error) {
		fmt.Fprintf(t.err, "Password of %s: ", r.User)
		password, err = firstLine(in)
		fmt.Fprintln(t.err)
		return err
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, mostPassword+1)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" || len(line) > mostPassword {
		return "", fmt.Errorf("the password must have 1 to %d bytes", mostPassword)
	}
	return line, nil
}
