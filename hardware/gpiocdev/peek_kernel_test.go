//go:build kernel

package gpiocdev

import (
	"errors"
	"strings"
	"testing"

	"github.com/warthog618/go-gpiocdev"

	"wildfire-watch/test/kernel/gpiosim"
)

func TestAPeekReadsFreeInputsAndChangesNothing(t *testing.T) {
	sim := gpiosim.New(t, gpiosim.Spec{})
	sim.Pull(3, true)
	c, err := Find(sim.Name())
	if err != nil {
		t.Fatal(err)
	}
	before, err := Inspect(c)
	if err != nil {
		t.Fatal(err)
	}
	history := sim.History()
	for range 20 {
		levels, err := Peek(c, []int{2, 3})
		if err != nil || levels[0] || !levels[1] {
			t.Fatalf("levels %v, %v; want low, high", levels, err)
		}
	}
	after, err := Inspect(c)
	if err != nil || before[2] != after[2] || before[3] != after[3] {
		t.Errorf("the lines were %+v %+v and are %+v %+v, %v", before[2], before[3], after[2], after[3], err)
	}
	for _, e := range history.Events() {
		if e.What != gpiosim.Free && e.What != gpiosim.In || e.High != (e.Line == 3) {
			t.Errorf("the kernel records %v", e)
		}
	}
	if levels, err := Peek(c, nil); levels != nil || err != nil {
		t.Errorf("no line: %v, %v", levels, err)
	}
}

func TestAPeekRefusesHeldLinesAndOutputsThatNobodyHolds(t *testing.T) {
	sim := gpiosim.New(t, gpiosim.Spec{})
	c, err := Find(sim.Name())
	if err != nil {
		t.Fatal(err)
	}
	held, err := gpiocdev.RequestLine(c.Path, 5, gpiocdev.AsOutput(1), gpiocdev.WithConsumer("somebody"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Peek(c, []int{2, 5}); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), `it is held by "somebody"`) {
		t.Errorf("a held line: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	history := sim.History()
	if _, err := Peek(c, []int{5}); !errors.Is(err, ErrLine) || !strings.Contains(err.Error(), "it is an output") {
		t.Errorf("an output that nobody holds: %v", err)
	}
	if events := history.Events(); len(events) != 0 {
		t.Errorf("the refusal touched the line: %v", events)
	}
}
