package system

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/gpio"
	"wildfire-watch/protocol"
)

// Vitals is what guards and watchdogs are told. Each function may be nil; none may block: they run
// in the pump, in the gpio actor and in the trip.
type Vitals struct {
	// Safe is called once, when every output has read back inactive for the first time.
	Safe func()
	// Alive is called once a beat (protocol.BeatOf of gpio.deadman; half a beat more at the most)
	// while pump and gpio actor answer one another. After Tripping none begins.
	Alive func()
	// Tripping is called at most once, before a trip drives the first line: from now on the process
	// needs the stop pulse and two seconds, then it ends by itself with TripExitCode. who is the
	// cause as the journal stores it.
	Tripping func(who string)
}

// TripExitCode is the process's exit code after a trip (SPEC P14).
const TripExitCode = 70

// fall is why the process trips.
type fall struct {
	cause  string // as the journal stores it and the next boot tells it
	action protocol.Action
	fault  string // code
	reason string
}

// The causes of a stop that are not a cut-off's (gpio.CutOffCrank).
const (
	causePanic   = "trip: " // and the actor's name
	causeDeadman = "deadman"
	causeHung    = "shutdown hung"
)

// life is what the system itself knows of its life and end.
type life struct {
	up       atomic.Bool // every actor has its address
	tripping atomic.Bool
	gone     chan struct{} // closed when a trip has ended
	over     atomic.Bool   // stopped or abandoned: a late trip is nobody's
	safe     sync.Once
}

// attend passes signs of life on; it sees every message first.
func (s *System) attend(msg any) {
	v := &s.parts.Vitals
	switch m := msg.(type) {
	case protocol.Heartbeat:
		if v.Alive != nil && !s.life.tripping.Load() {
			v.Alive()
		}
	case protocol.LineReport:
		if v.Safe != nil && m.Available && m.Commanded == 0 && m.Read == 0 {
			s.life.safe.Do(v.Safe)
		}
	}
}

// panicked: a critical actor is gone. It runs on the failing goroutine and holds it.
func (s *System) panicked(who string, reason any, _ []byte) {
	s.trip(fall{causePanic + who, protocol.ControllerTripped, "gpio_trip",
		fmt.Sprintf("%s panicked: %v", who, reason)})
}

// silent: the watch of pump and gpio actor over one another has ended. Whoever says so must not be
// held up by what follows.
func (s *System) silent(reason string) {
	go s.trip(fall{causeDeadman, protocol.DeadmanTripped, "gpio_deadman", reason})
}

// cutOff: the gate has seen a line active for too long.
func (s *System) cutOff(cause string) {
	reason := "ignition start was active beyond pump.ignition_start_duration and nobody dropped it"
	if cause == gpio.CutOffEngine {
		reason = "the engine was on beyond pump.max_engine_runtime and nobody stopped it"
	}
	s.trip(fall{cause, protocol.CutoffTripped, "gpio_cutoff", reason})
}

// trip is the way out when actors cannot be trusted any more: outputs safe without any mailbox, then
// the process ends. Words go beside it: no log, disk or broker stands between a trip and the lines.
// A second trip waits for the first.
func (s *System) trip(f fall) {
	if s.life.over.Load() {
		return
	}
	if s.life.tripping.Swap(true) {
		<-s.life.gone
		return
	}
	defer close(s.life.gone)
	if tripping := s.parts.Vitals.Tripping; tripping != nil {
		beside(func() { tripping(f.cause) })(guardTime)
	}
	told := beside(func() { s.tell(f) })
	if gpio.Trip(s.board, s.parts.Config.Pump.IgnitionOff, time.Sleep) {
		told(flushTime)
	}
	if !s.life.over.Load() {
		s.parts.Exit(TripExitCode)
	}
}

// guardTime is the patience with whoever guards the process. They promise not to block; a trip
// relies on nobody.
const guardTime = 20 * time.Millisecond

// beside does something on a goroutine of its own and returns how to wait for it.
func beside(do func()) func(limit time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	return func(limit time.Duration) { wait(context.Background(), done, limit) }
}

// tell says why, to everybody who still listens, and stores it. A pump that works stores what the
// next process must know, and latches no ERROR for want of a gpio actor: the run goes on after the
// restart (SPEC P15).
func (s *System) tell(f fall) {
	if s.life.up.Load() {
		ctx := context.Background()
		s.refs.pump.Send(protocol.Shutdown{Tripped: true})
		s.house.Publish(protocol.Fault{Code: f.fault, Text: f.reason})
		s.house.Publish(protocol.Occurred{Action: f.action, Reason: f.reason,
			Details: map[string]any{"cause": f.cause}, At: s.parts.Clock.Wall()})
		s.catchUp(ctx, s.refs.pump)
		s.catchUp(ctx, s.refs.telemetry)
		flushed := make(chan struct{})
		s.refs.journal.Send(protocol.JournalFlush{Cause: f.cause, Done: flushed})
		wait(ctx, flushed, flushTime)
		s.catchUp(ctx, s.refs.bridge)
	}
	if s.parts.Store != nil {
		_ = s.parts.Store.RecordStop(f.cause, recordTime) // what is lost then is only the cause
	}
	s.parts.Log.Error("TRIP: engine off, process ends", zap.String("cause", f.cause),
		zap.String("reason", f.reason))
	_ = s.parts.Log.Sync()
}

// recordTime is the patience with the disk for the cause of a trip.
const recordTime = 200 * time.Millisecond
