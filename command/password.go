package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	secret "wildfire-watch/protocol/password"
)

type passwordCommand struct{}

// Help is printed by password --help.
func (passwordCommand) Help() string {
	return `It reads the password twice from the terminal, which does not show it, or one line from
a pipe, and prints its argon2id hash. http.users takes it as "name:role:hash".

Example:

    wildfire-watch password`
}

// Run prints the hash of a password.
func (passwordCommand) Run(t *terminal) error {
	password, err := t.password()
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	hash, err := secret.Hash(password)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, hash)
	return err
}

// password reads a new password: typed twice where somebody sits, one line otherwise.
func (t *terminal) password() (string, error) {
	in := bufio.NewReader(io.LimitReader(t.in, 4*secret.MaxPassword))
	tty, ok := t.in.(*os.File)
	if !ok || !isTerminal(tty) {
		return line(in)
	}
	var first string
	err := t.unseen(tty, func() (err error) {
		fmt.Fprintf(t.err, "Password, at least %d characters: ", secret.MinPassword)
		first, err = line(in)
		fmt.Fprintln(t.err)
		if err != nil {
			return err
		}
		fmt.Fprint(t.err, "Once more: ")
		second, err := line(in)
		fmt.Fprintln(t.err)
		if err == nil && first != second {
			err = errors.New("the two are not the same")
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return first, nil
}

func line(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	if err != nil && (!errors.Is(err, io.EOF) || text == "") {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}
