package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"wildfire-watch/protocol"
)

// story narrates a run of the system: what changed, on which lines, and why. Its hear is called on
// the actors' goroutines, so it keeps a mutex of its own and does nothing slow but print.
type story struct {
	mu       sync.Mutex
	out      io.Writer
	start    time.Time
	state    protocol.State
	lines    protocol.Lines
	agrees   string
	online   map[string]bool
	cranks   int
	ran      bool
	engine   float64
	events   int
	detected int
	triggers int
	home     chan struct{} // closed when the pump is back in IDLE or in ERROR after a run
	// homecoming closes home once: a pump may run again before anybody looks.
	homecoming sync.Once
}

func newStory(out io.Writer) *story {
	return &story{out: out, start: time.Now(), online: map[string]bool{}, home: make(chan struct{})}
}

func (s *story) begin(a addresses) {
	s.say("Wildfire Watch demo: three cameras, a fire, a pump in memory; times are shortened.")
	s.say("MQTT broker on %s, status page on %s", a.MQTT, a.HTTP)
}

// say prints one line with the time since the start.
func (s *story) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(format, args...)
}

func (s *story) print(format string, args ...any) {
	fmt.Fprintf(s.out, "%5.1fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// hear is the system's tap.
func (s *story) hear(msg any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := msg.(type) {
	case protocol.Detected:
		s.detected++
	case protocol.CameraVerdict:
		s.hearVerdict(m)
	case protocol.ConsensusStatus:
		if agrees := strings.Join(m.Agreeing, ", "); agrees != s.agrees {
			s.agrees = agrees
			s.print("  consensus: %d of %d cameras agree: %s", len(m.Agreeing), m.Cameras, orNone(agrees))
		}
	case protocol.FireConfirmed:
		s.triggers++
		s.print("FIRE CONFIRMED by %s", strings.Join(m.Cameras, ", "))
	case protocol.PumpStatus:
		s.hearPump(m)
	case protocol.LineReport:
		if m.Commanded != s.lines {
			s.print("  lines on: %s", strings.ReplaceAll(m.Commanded.String(), "+", ", "))
			if m.Commanded.Has(protocol.IgnitionStart) && !s.lines.Has(protocol.IgnitionStart) {
				s.cranks++
			}
			s.lines = m.Commanded
		}
	case protocol.Event:
		s.events++
		if m.Action != protocol.HealthReport {
			s.print("  event %s%s", m.Action, because(m.Reason))
		}
	}
}

func (s *story) hearVerdict(m protocol.CameraVerdict) {
	if m.Growing != s.online[m.Camera] {
		s.online[m.Camera] = m.Growing
		if m.Growing {
			s.print("  camera %s: the fire has been growing for long enough", m.Camera)
		} else {
			s.print("  camera %s: growth is over", m.Camera)
		}
	}
}

func (s *story) hearPump(m protocol.PumpStatus) {
	s.engine = max(s.engine, m.System.CurrentRuntime)
	if m.State == s.state {
		return
	}
	s.print("PUMP %s -> %s%s", s.state, m.State, because(m.System.Why))
	s.state = m.State
	switch m.State {
	case protocol.Running:
		s.ran = true
	case protocol.Idle, protocol.Error:
		if s.ran {
			s.homecoming.Do(func() { close(s.home) })
			s.ran = false
		}
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// wait returns when the pump is back, or with what ended the wait.
func (s *story) wait(ctx context.Context) error {
	select {
	case <-s.home:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("demo: the pump did not come back to IDLE within %v", demoLimit)
		}
		return ctx.Err()
	}
}

// summary closes the story.
func (s *story) summary() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "\nSummary: %s, %s, %s, %.0f s of engine, %s; pump %s.\n",
		many(s.detected, "detection"), many(s.triggers, "trigger"), many(s.cranks, "crank"), s.engine,
		many(s.events, "event"), s.state)
	if s.triggers == 0 || s.cranks == 0 || s.state != protocol.Idle {
		return errors.New("demo: the fire was not met as it should be; run it with --verbose and report it")
	}
	fmt.Fprintln(s.out, "The fire was seen, confirmed, met with water, and everything is off again.")
	return nil
}
