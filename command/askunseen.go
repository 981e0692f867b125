package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
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
	return t.askUnseen(in, "Password of "+r.User+": ")
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

// askUnseen reads a line while the terminal shows nothing, and leaves the terminal as it was, also when
// it is interrupted.
func (t *terminal) askUnseen(in *os.File, question string) (string, error) {
	before, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	dark := *before
	dark.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &dark); err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	defer func() {
		_ = unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, before)
		fmt.Fprintln(t.err)
	}()
	fmt.Fprint(t.err, question)
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := firstLine(in)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		return "", errors.New("interrupted")
	}
}
