//go:build !faults

package command

// faulty is the tap as it is. With the build tag faults it breaks the house on SIGUSR1: for tests, and
// never in what is shipped.
func faulty(tap func(msg any)) func(msg any) { return tap }
