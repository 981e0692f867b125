package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// interrupted is the exit code of a command that a signal has ended while it asked, as a shell says it
// of Ctrl-C.
const interrupted exitCode = 128 + exitCode(syscall.SIGINT)

// unseen runs ask, which reads lines from a terminal, while the terminal shows nothing that is typed. It
// leaves the terminal as it was on every way out: an answer, an error, a panic, and the signals that
// would end the process, after which the error is interrupted and ask is left behind, waiting.
func (t *terminal) unseen(in *os.File, ask func() error) error {
	fd := int(in.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("hide what is typed: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG // lines and Ctrl-C, in whatever mode somebody left it
	hidden.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		return fmt.Errorf("hide what is typed: %w", err)
	}
	restore := sync.OnceFunc(func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) })
	defer restore()
	asked := make(chan error, 1)
	go func() {
		defer restore() // a panic here ends the process
		asked <- ask()
	}()
	select {
	case err := <-asked:
		return err
	case <-ctx.Done():
		fmt.Fprintln(t.err)
		return interrupted
	}
}
