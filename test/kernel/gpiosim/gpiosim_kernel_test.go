//go:build kernel

package gpiosim

import (
	"slices"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev"
)

// told is what a test compares: times and numbers left out.
type told struct {
	line int
	what string
	high bool
	by   string
}

func tell(events []Event) (all []told) {
	for _, e := range events {
		all = append(all, told{e.Line, e.What, e.High, e.By})
	}
	return all
}

func expect(t *testing.T, h *History, want ...told) {
	t.Helper()
	if got := tell(h.Events()); !slices.Equal(got, want) {
		t.Errorf("the kernel recorded %v, want %v", got, want)
	}
	h.Forget()
}

func request(t *testing.T, c *Chip, lines []int, options ...gpiocdev.LineReqOption) *gpiocdev.Lines {
	t.Helper()
	options = append(options, gpiocdev.WithConsumer("suite of tests"))
	l, err := gpiocdev.RequestLines(c.Path(), lines, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

const by = "suite of tests"

func TestTheKernelRecordsEveryChangeOfALineAndItsOwner(t *testing.T) {
	c := New(t, Spec{})
	h := c.History()
	l := request(t, c, []int{3, 5}, gpiocdev.AsOutput(0, 1))
	expect(t, h, told{3, Out, false, by}, told{5, Out, true, by})
	if err := l.SetValues([]int{1, 0}); err != nil {
		t.Fatal(err)
	}
	events := h.Events()
	if len(events) != 2 || events[0].Op != events[1].Op || events[0].At != events[1].At {
		t.Errorf("two lines of one write are one step: %v", events)
	}
	expect(t, h, told{3, Set, true, by}, told{5, Set, false, by})
	_ = l.SetValues([]int{1, 0})
	expect(t, h) // a write that changes nothing is not a change
	c.Pull(5, true)
	expect(t, h) // a driven line does not move
	_ = l.Close()
	expect(t, h, told{3, Free, false, by}, told{5, Free, true, by})
	if c.Level(3) || !c.Level(5) {
		t.Error("a line that is let go has not fallen back to its pull")
	}
	c.Pull(5, false)
	expect(t, h, told{5, Pull, false, ""})
}

func TestTheRecordIsStampedInMonotonicTime(t *testing.T) {
	c := New(t, Spec{})
	h := c.History()
	before := Now()
	c.Pull(7, true)
	after := Now()
	events := h.Events()
	if len(events) != 1 || events[0].At < before || events[0].At > after {
		t.Errorf("between %v and %v: %v", before, after, events)
	}
}

func TestTheRecordOutlivesMoreEntriesThanItHolds(t *testing.T) {
	c := New(t, Spec{})
	l := request(t, c, []int{1}, gpiocdev.AsOutput(0))
	for n := range 70000 {
		_ = l.SetValues([]int{n & 1})
	}
	h := c.History()
	_ = l.SetValues([]int{0})
	expect(t, h, told{1, Set, false, by})
}

func TestALineThatIsLetGoCanKeepItsLevelAsOnARaspberryPi(t *testing.T) {
	c := New(t, Spec{})
	c.Persist()
	l := request(t, c, []int{9}, gpiocdev.AsOutput(1))
	_ = l.Close()
	if !c.Level(9) {
		t.Error("the line has lost its level")
	}
	c.Pull(9, true)
	c.Pull(9, false)
	if !c.Level(9) {
		t.Error("a pull moved a line that is still driven")
	}
	l = request(t, c, []int{9}, gpiocdev.AsInput)
	if c.Level(9) {
		t.Error("as an input it has the level of its pull")
	}
	_ = l.Close()
}

func TestAnInputTellsItsEdges(t *testing.T) {
	c := New(t, Spec{})
	heard := make(chan gpiocdev.LineEvent, 10)
	request(t, c, []int{4}, gpiocdev.AsInput, gpiocdev.WithBothEdges,
		gpiocdev.WithEventHandler(func(e gpiocdev.LineEvent) { heard <- e }))
	c.Pull(4, true)
	select {
	case e := <-heard:
		if e.Type != gpiocdev.LineEventRisingEdge {
			t.Errorf("heard %+v", e)
		}
	case <-time.After(5 * time.Second):
		t.Error("no edge within 5 s")
	}
}

func TestAChipHasLabelAndNamesAndCanBeUnplugged(t *testing.T) {
	c := New(t, Spec{Lines: 8, Label: "pinctrl-rp1", Names: map[int]string{2: "GPIO2", 5: "GPIO5"}})
	chip, err := gpiocdev.NewChip(c.Path())
	if err != nil {
		t.Fatal(err)
	}
	info, err := chip.LineInfo(5)
	if err != nil || chip.Label != "pinctrl-rp1" || chip.Lines() != 8 || info.Name != "GPIO5" {
		t.Errorf("%s: label %q, %d lines, line 5 is %q (%v)", chip.Name, chip.Label, chip.Lines(), info.Name, err)
	}
	_ = chip.Close()
	l := request(t, c, []int{2}, gpiocdev.AsOutput(1))
	c.Unplug()
	if c.Plugged() {
		t.Error("it is still plugged in")
	}
	if err := l.SetValues([]int{0}); err == nil {
		t.Error("a write to a chip that is gone is no error")
	}
	c.Plug()
	if !c.Plugged() || c.Level(2) {
		t.Error("plugged in again, line 2 is not an undriven low pin")
	}
	request(t, c, []int{2}, gpiocdev.AsOutput(0))
}
