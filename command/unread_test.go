package command

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// listener is who reads what is said; it takes nothing before it is let.
type listener struct {
	let  chan struct{}
	gone bool // it refuses everything
	mu   sync.Mutex
	text strings.Builder
}

func (r *listener) Write(p []byte) (int, error) {
	<-r.let
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return 0, errors.New("broken pipe")
	}
	return r.text.Write(p)
}

func (r *listener) set(gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = gone
}

func (r *listener) read() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func TestWordsThatNobodyReadsAreBoundedCountedAndKeepNobodyWaiting(t *testing.T) {
	r := &listener{let: make(chan struct{})}
	words := tellAside(r)
	line := strings.Repeat("x", 1023) + "\n"
	const kept = mostUnread / 1024
	for range kept + 40 {
		if n, err := words.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	begun := time.Now()
	_ = words.Sync()
	if took := time.Since(begun); took < lastWords || took > 10*lastWords {
		t.Errorf("the end waited %v for a listener", took)
	}
	close(r.let)
	_ = words.Sync()
	if got := strings.Count(r.read(), line); got != kept {
		t.Errorf("%d lines kept, want %d", got, kept)
	}
	if !strings.HasSuffix(r.read(), "40 messages are missing here: nobody read them\n") {
		t.Errorf("the end: %q", r.read()[len(r.read())-80:])
	}
}

func TestWordsThatAReaderRefusedAreTheNextOnesNews(t *testing.T) {
	r := &listener{let: make(chan struct{}), gone: true}
	close(r.let)
	words := tellAside(r)
	for i := range 3 {
		fmt.Fprintf(words, "lost %d\n", i)
		_ = words.Sync()
	}
	r.set(false)
	fmt.Fprintln(words, "heard")
	_ = words.Sync()
	if want := "heard\n3 messages are missing here: nobody read them\n"; r.read() != want {
		t.Errorf("%q, want %q", r.read(), want)
	}
}
