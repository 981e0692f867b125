package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"

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
	tty, ok := t.in.(*os.File)
	if ok {
		_, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		ok = err == nil
	}
	in := bufio.NewReader(io.LimitReader(t.in, 4*secret.MaxPassword))
	if !ok {
		return line(in)
	}
	restore, err := hide(int(tty.Fd()))
	if err != nil {
		return "", err
	}
	defer restore()
	fmt.Fprintf(t.err, "Password, at least %d characters: ", secret.MinPassword)
	first, err := line(in)
	fmt.Fprintln(t.err)
	if err != nil {
		return "", err
	}
	fmt.Fprint(t.err, "Once more: ")
	second, err := line(in)
	fmt.Fprintln(t.err)
	if err == nil && first != second {
		err = errors.New("the two are not the same")
	}
	return first, err
}

func line(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	if err != nil && (!errors.Is(err, io.EOF) || text == "") {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// hide has a terminal show nothing that is typed until restore is called, or an interrupt ends us.
func hide(fd int) (restore func(), err error) {
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, unix.SIGTERM)
	done := make(chan struct{})
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		signal.Stop(interrupted)
		return nil, err
	}
	go func() {
		select {
		case <-interrupted:
			_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
			os.Exit(130)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(interrupted)
		close(done)
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
	}, nil
}
