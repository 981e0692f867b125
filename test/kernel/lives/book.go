package lives

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// Book is an accountant of one appliance over all its lives.
type Book struct {
	Terms Terms
	// Lag is how long before a death a decision may have been made that is lost with it.
	Lag time.Duration
	// Shortest is the shortest stop pulse of a boot at the lines, Heirs how many processes were held
	// against what they had to say.
	Shortest time.Duration
	Heirs    int

	found []string
	life  int
	at    time.Duration
	pid   int

	// Of the device, by the lines.
	engine, total, owed span // of the open run; of the device's life; of refill
	cranked             bool // in this life: the next one charges an interval
	refilled            time.Duration
	run, held, fault    since
	pulse               since
	unbegun             since          // a trigger was taken, and nothing has cranked for it yet
	asked               map[string]int // orders without an answer
	jam                 bool           // the main valve does not open, over every life until it is freed
	jammed              bool           // it did not for a part of this life: ERROR may be latched
	opened              bool           // valve_open was ordered: the main valve may outlast the run
	by                  starter
	resumes             int // boots since the run's first trigger

	kernel  string
	boots   uint64 // as announced last
	silent  uint64 // lives since then that did not announce themselves
	pending *heir  // what the present process must say; nil: it has said it
	first   *heir  // the same, kept for its first lines

	// Of the present life.
	on      hardware.Outputs // driven by the program
	were    hardware.Outputs // after the write before
	ordered bool             // a trigger or a start was ordered
	stopped bool             // a stop was ordered
	spoke   bool             // it has announced itself
	stage   stage
	pulsed  time.Duration // the pulse of its boot began
	born    time.Duration
	State   protocol.State // as told last
}

// stage is how far the first lines of a process are.
type stage uint8

const (
	dark    stage = iota // nothing was on yet
	pulsing              // the stop pulse of the boot
	past
)

// starter is who began the run.
type starter struct {
	cause string        // "trigger", "emergency"; empty: nobody knows
	at    time.Duration // last
	mixed bool          // others had a part in it
}

// heir is what a process inherits.
type heir struct {
	run, held, fault, pulse fact3
	unbegun                 fact3
	engine, total           span
	charged                 bool // the engine ran since an interval was charged
	refilled                time.Duration
	debt                    span // refill owed, and for the open run
	reboot                  bool
	lastStop                string // what it is to be told as; "?": anything
	by                      starter
	resumes                 int
}

// NewBook is the book of a new device.
func NewBook(t Terms, lag time.Duration) *Book {
	return &Book{Terms: t, Lag: lag, Shortest: time.Hour, asked: map[string]int{}}
}

// Life takes the facts of one life, from Started to Ended, and returns what is wrong.
func (b *Book) Life(facts []Fact) []string {
	b.found = nil
	b.life++
	facts = slices.Clone(facts)
	slices.SortStableFunc(facts, func(x, y Fact) int { return cmp.Compare(x.At, y.At) })
	for i, f := range facts {
		if f.Kind == Line && f.Line.PID != b.pid {
			continue
		}
		b.pass(f.At)
		b.take(f, i+1 < len(facts) && sameWrite(f, facts[i+1]))
		if f.Kind == Ended {
			break
		}
	}
	return b.found
}

// sameWrite: the next fact is of the same write of lines.
func sameWrite(f, next Fact) bool {
	return f.Kind == Line && next.Kind == Line && f.Line.Op == next.Line.Op && f.Line.PID == next.Line.PID
}

func (b *Book) wrong(format string, args ...any) {
	b.found = append(b.found, fmt.Sprintf("life %d, %.3f: %s", b.life, (b.at-b.born).Seconds(),
		fmt.Sprintf(format, args...)))
}

// pass lets time pass under the lines that hold.
func (b *Book) pass(at time.Duration) {
	dt := max(0, at-b.at)
	b.at = max(b.at, at)
	if b.on&engineLines != 0 {
		b.engine, b.total = b.engine.passed(dt), b.total.passed(dt)
	}
	if b.on.Has(hardware.RefillValve) && b.owed.hi > 0 {
		b.owed = b.owed.passed(-dt)
		b.refilled += dt
	}
}

const engineLines = hardware.Outputs(1<<hardware.IgnitionStart | 1<<hardware.IgnitionOn)

// take takes one fact; more says that the write of which it is goes on.
func (b *Book) take(f Fact, more bool) {
	switch f.Kind {
	case Started:
		b.start(f)
	case Ordered:
		b.order(f.Text)
	case Line:
		b.line(*f.Line, more)
	case Told:
		b.told(f)
	case Shown:
		b.shown(*f.Page)
	case Ended:
		b.death(f)
	}
}

func (b *Book) start(f Fact) {
	b.at, b.born, b.pid = f.At, f.At, f.PID
	b.on, b.were, b.stage = 0, 0, dark
	b.ordered, b.stopped, b.spoke, b.jammed, b.opened = false, false, false, b.jam, false
	b.asked, b.pulse, b.unbegun = map[string]int{}, since{}, since{}
	if b.pending != nil && b.kernel != f.Text {
		b.pending.reboot, b.pending.lastStop = true, "reboot or power cut"
	}
	b.first, b.kernel = b.pending, f.Text
}

func (b *Book) order(text string) {
	switch text {
	case "trigger", "start":
		b.ordered = true
	case "stop":
		b.stopped = true
	case "valve jammed":
		b.jam, b.jammed = true, true
	case "valve free":
		b.jam = false
	case "valve_open":
		b.opened = true
	}
	if text == "start" || text == "stop" || text == "reset" {
		b.asked[text]++
	}
	if b.by.cause != "" && (text == "start") != (b.by.cause == "emergency") && text != "stop" && text != "reset" {
		b.by.mixed = true
	}
}

// line follows what the program drives.
func (b *Book) line(e gpiosim.Event, more bool) {
	o := hardware.Output(slices.Index(appliance.Lines[:], e.Line))
	if o >= hardware.NumOutputs || e.What == gpiosim.Free { // let go by its death: not decided
		return
	}
	drives := e.What == gpiosim.Out || e.What == gpiosim.Set
	b.on = b.on.With(o, drives && e.High)
	if e.What == gpiosim.Out && e.High {
		b.wrong("P15: %s is on from its request on", hardware.OutputNames[o])
	}
	if was := b.were; !more && b.on != was {
		b.were = b.on
		b.boot(was)
		b.follow(was)
	}
}

// follow keeps the run and the pulse.
func (b *Book) follow(was hardware.Outputs) {
	rose, fell := b.on&^was, was&^b.on
	if rose.Has(hardware.IgnitionStart) {
		if !b.ordered && b.kernelIsNew() {
			b.wrong("P15: after a power cut it cranks, and nobody has asked")
		}
		if !b.run.is {
			b.run.set(true, max(b.at, 1))
			b.engine = span{}
		}
		b.cranked = true
		b.unbegun.set(false, max(b.at, 1))
	}
	if fell.Has(hardware.MainValve) && b.on&engineLines == 0 {
		b.closeRun()
	}
	b.pulse.set(b.on.Has(hardware.IgnitionOff), max(b.at, 1))
}

func (b *Book) kernelIsNew() bool { return b.first != nil && b.first.reboot }

// closeRun: what the engine took is owed.
func (b *Book) closeRun() {
	if !b.run.is {
		return
	}
	b.run.set(false, max(b.at, 1))
	b.owed = b.owed.plus(b.engine.times(b.Terms.Multiplier))
	b.engine = span{}
	b.by, b.resumes = starter{}, 0
}
