package device

import (
	"context"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/onvif"
)

// probesAtOnce is how many ports of one host are asked together.
const probesAtOnce = 4

// found is one address that was asked for its clock.
type found struct {
	reply
	theirs time.Duration // its clock minus ours
}

// clock asks for the time, without a login.
func (p peer) clock(ctx context.Context, at *url.URL) (f found) {
	f.reply = p.post(ctx, at, onvif.DateAndTime, proof{}, clockInto(&f.theirs))
	return f
}

// clockInto reads a clock and compares it with ours.
func clockInto(theirs *time.Duration) func(io.Reader) error {
	return func(r io.Reader) error {
		t, err := onvif.DecodeClock(r)
		if err == nil {
			*theirs = offset(t, time.Now())
		}
		return err
	}
}

// offset is their clock minus ours. Theirs is told in whole seconds, cut off: half of one lies between.
func offset(theirs, ours time.Time) time.Duration {
	return theirs.Add(time.Second / 2).Sub(ours).Round(time.Second)
}

// certain says that an ONVIF device answered: it told its clock, or refused in ONVIF's words. Any SOAP
// server could send some other fault, printers do.
func (f found) certain() bool {
	fault, told := f.fault()
	return f.verdict() == answered || told && (fault.Kind == onvif.Refused || fault.Kind == onvif.Locked)
}

// find looks for the device service and says whether it is there.
func (s *session) find(ctx context.Context, o protocol.InterviewOrder) bool {
	all := stages(o, s.ip)
	var shut []found // want a login before they say what they are
	var problems []string
	for i, stage := range all {
		until, _ := ctx.Deadline()
		if i < len(all)-1 {
			until = time.Now().Add(time.Until(until) / 2) // a dead announcement leaves time for the rest
		}
		for _, f := range s.probe(ctx, until, stage) {
			switch {
			case f.certain():
				return s.settle(ctx, f)
			case f.verdict() == wantsLogin && f.answerable:
				shut = append(shut, f)
			default:
				problems = append(problems, f.problem(onvif.DateAndTime))
			}
		}
	}
	s.trouble(worst(problems))
	for _, f := range shut {
		if s.unlock(ctx, f) {
			return true
		}
	}
	return false
}

// worst is the problem to report: a closed port is the least of all.
func worst(problems []string) string {
	for _, p := range problems {
		if !strings.HasSuffix(p, "connection refused") {
			return p
		}
	}
	if len(problems) > 0 {
		return problems[0]
	}
	return ""
}

// probe asks all of one stage, and ends with the first that is certain.
func (s *session) probe(ctx context.Context, until time.Time, stage []*url.URL) []found {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	all := make([]found, len(stage))
	slots := make(chan struct{}, probesAtOnce)
	var wait sync.WaitGroup
	for i, at := range stage {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if all[i] = s.clock(ctx, at); all[i].certain() {
				cancel()
			}
		})
	}
	wait.Wait()
	for _, f := range all {
		if f.certain() {
			return []found{f}
		}
	}
	return all
}

// settle takes the device service that was found.
func (s *session) settle(ctx context.Context, f found) bool {
	s.home = f.at
	s.answer.ONVIF, s.answer.XAddr = true, f.at.String()
	if f.verdict() == answered {
		s.answer.ClockOffset, s.timed = f.theirs, true
		return true
	}
	if s.goesOn(f.reply, proof{}, onvif.DateAndTime) { // it wants a login even for its clock
		var theirs time.Duration
		if s.call(ctx, s.home, onvif.DateAndTime, clockInto(&theirs)).err == nil {
			s.answer.ClockOffset, s.timed = theirs, true
		}
	}
	return !s.over
}

// unlock asks an address that wants a login first. Only an answer in ONVIF's words makes it a device.
func (s *session) unlock(ctx context.Context, f found) bool {
	if s.over || s.closed {
		return false
	}
	s.answer.Problem = "" // what this one says matters more
	if s.way == anonymous && !s.goesOn(f.reply, proof{}, onvif.DateAndTime) {
		return false
	}
	var theirs time.Duration
	r := s.call(ctx, f.at, onvif.DateAndTime, clockInto(&theirs))
	if !(found{reply: r}).certain() {
		s.trouble(r.problem(onvif.DateAndTime))
		return false
	}
	s.home = f.at
	s.answer.ONVIF, s.answer.XAddr = true, f.at.String()
	if r.err == nil {
		s.answer.ClockOffset, s.timed = theirs, true
	}
	return r.err == nil
}
