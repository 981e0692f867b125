// Package gear is what tests of every folder stand on: patience with a deadline, a place where a program
// may write while it is read, a terminal for somebody to type into, and the program itself, built as it
// is shipped. It promises that nothing it waits for is waited for for ever. It knows nothing of fire or
// pump, and no part of the program may import it.
package gear

import (
	"testing"
	"time"
)

// patience is how long anything that must happen may take on a busy machine.
const patience = 10 * time.Second

// Await asks until done, at most for limit, and says whether it was done: soon at first, then every
// 10 ms, because whoever asks may take the only processor from whom it waits for.
func Await(limit time.Duration, done func() bool) bool {
	end, nap := time.Now().Add(limit), 500*time.Microsecond
	for !done() {
		if time.Now().After(end) {
			return done()
		}
		time.Sleep(nap)
		nap = min(nap*3/2, 10*time.Millisecond)
	}
	return true
}

// Until waits for what must happen soon, and ends the test if it does not.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !Await(patience, done) {
		t.Fatalf("%s: not within %v", what, patience)
	}
}
