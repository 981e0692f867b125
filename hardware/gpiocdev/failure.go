package gpiocdev

import (
	"errors"
	"fmt"
)

// What can be wrong, for errors.Is; the error itself says what to do.
var (
	// ErrNoChip: the chip is not there, or its reference fits several.
	ErrNoChip = errors.New("no such GPIO chip")
	// ErrPermission: the device may not be opened.
	ErrPermission = errors.New("no permission for the GPIO chip")
	// ErrBusy: somebody else holds a line.
	ErrBusy = errors.New("a GPIO line is held by somebody else")
	// ErrLine: a line is not on the chip, or two functions are on one line.
	ErrLine = errors.New("no such GPIO line")
)

// errGone is what a board says whose chip went away.
var errGone = errors.New("its chip is gone; it is asked for again once a second")

// failure is an error whose text stands for itself and which is one of the above.
type failure struct {
	text string
	is   error
}

func (f failure) Error() string { return f.text }

func (f failure) Unwrap() error { return f.is }

func failed(is error, format string, args ...any) error {
	return failure{text: fmt.Sprintf(format, args...), is: is}
}
