// Package system says who exists and who hears what. It loads the configuration as a whole, starts
// the actors in an order in which nothing moves before it can be stopped, and stops them in an order
// in which the engine stops first (SPEC P14, P15).
//
// It decides nothing about fire or pump, and it holds no state of theirs.
package system

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/gpio"
	"wildfire-watch/actors/journal"
	"wildfire-watch/protocol"
)

// Parts are what the house cannot make itself.
type Parts struct {
	Config Config
	Board  gpio.Board
	// Store is the opened journal and Recovered what was found in it.
	Store     *journal.Store
	Recovered protocol.Recovered
	Version   string
	Log       *zap.Logger
	Clock     actors.Clock
	// Dial reaches the embedded broker; nil: the broker of mqtt.url over the network.
	Dial bridge.Dial
	// NoBridge leaves MQTT away altogether: the pump needs none.
	NoBridge bool
	// Network is who goes out to look for cameras; nil: nobody does, whatever cameras.discovery says.
	// Makers tells who makes devices with a MAC, if they make cameras; CameraYAML makes what
	// frigate/config/cameras carries. Both may be nil.
	Network    discovery.Network
	Makers     func(mac string) string
	CameraYAML func(Config, []discovery.Camera) ([]byte, error)
	// Tap sees every message that is published, on the publisher's goroutine; nil: nobody looks.
	Tap func(msg any)
	// Users hears a configuration whose broker.users or http.users are others from now on; nil: nobody does.
	Users func(Config)
	// Exit ends the process after a trip; nil: os.Exit.
	Exit func(code int)
	// AskKernel: no filter of system calls is on (telemetry.Settings).
	AskKernel bool
	// Vitals hears how the process is; for the guard process and the watchdogs.
	Vitals Vitals
}

// System is a running house.
type System struct {
	parts    Parts
	house    *actors.House
	refs     refs
	board    *gpio.Gate
	instance string
	queue    func() (waiting int, dropped, missed uint64)
	status   atomic.Pointer[protocol.PumpStatus]
	config   atomic.Pointer[Config] // what counts now; parts.Config is what it began with
	reload   sync.Mutex             // one change of settings at a time
	wires    wires
	watchers watchers
	life     life
}

// Start brings everything up: outputs inactive first, then the pump with what it must remember, then
// whoever can ask it for anything. It returns at once; a broker that is away holds up nothing.
func Start(p Parts) (*System, error) {
	if p.Log == nil {
		p.Log = zap.NewNop()
	}
	if p.Clock == nil {
		p.Clock = actors.SystemClock{}
	}
	if p.Exit == nil {
		p.Exit = os.Exit
	}
	s := &System{parts: p, board: gpio.NewGate(p.Board), instance: newInstance()}
	s.config.Store(&p.Config)
	s.life.gone = make(chan struct{})
	s.board.CutOff(cutOffs(p.Config.Pump), s.cutOff)
	g := &gate{deliver: s.refs.deliver}
	publish := func(msg any) {
		if status, ok := msg.(protocol.PumpStatus); ok {
			s.status.Store(&status)
		}
		s.attend(msg)
		s.wires.hear(msg)
		s.watchers.hear(msg)
		if p.Tap != nil {
			p.Tap(msg)
		}
		g.publish(msg)
	}
	s.house = actors.NewHouse(actors.Options{Log: p.Log, Clock: p.Clock, Route: publish,
		Trip: s.panicked})
	s.announce()
	if err := s.spawn(); err != nil {
		s.life.over.Store(true)
		s.board.Trip()
		return nil, fmt.Errorf("start the system: %w", err)
	}
	g.release()
	s.life.up.Store(true)
	return s, nil
}

// newInstance names this process among all that ever ran.
func newInstance() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// Publish sends a message as if an actor had: for commands from page and terminal, and for tests.
func (s *System) Publish(msg any) { s.house.Publish(msg) }

// Status is the newest snapshot of the pump; ok is false before its first.
func (s *System) Status() (status protocol.PumpStatus, ok bool) {
	p := s.status.Load()
	if p == nil {
		return status, false
	}
	return *p, true
}

// Wires is what the gpio actor has told last of its lines; ok is false before its first words.
func (s *System) Wires() (w protocol.Wires, ok bool) {
	w = protocol.Wires{Board: s.board.Describe(), Simulated: s.board.Simulated()}
	w.Lines, w.Inputs, ok = s.wires.now()
	return w, ok
}

// Abandon stops the actors where they stand, without a stop pulse or a last word: for tests that
// play a process's death.
func (s *System) Abandon() {
	s.life.over.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = s.house.StopAll(ctx)
}

// Figures are the mailboxes' figures.
func (s *System) Figures() []actors.Figures { return s.house.Figures() }

// Queue tells how many events wait for the broker, how many were dropped for want of room, and how many
// other messages were not sent because the broker was away.
func (s *System) Queue() (waiting int, dropped, missed uint64) { return s.queue() }

// endTime is what the pump has for its end after the pulse: it waits half a second for lines that
// read on. One that needs longer hangs.
const endTime = 600 * time.Millisecond

// flushTime is the patience with the journal, and then with the bridge's last words, after the
// engine has stopped: a slow disk or broker must not hold up the exit (SPEC P14).
const flushTime = 500 * time.Millisecond

// Stop ends the house in the order of SPEC P14: the engine first, with its full stop pulse, then
// whatever is left to say and to store, then the lines. It returns within the pulse and 2 s. No ctx
// shortens the pulse; a pump that hangs makes a trip of it.
func (s *System) Stop(ctx context.Context, cause string) error {
	pulse := s.parts.Config.Pump.IgnitionOff
	stopped := make(chan struct{})
	s.refs.pump.Send(protocol.Shutdown{Done: stopped})
	if !wait(context.Background(), stopped, pulse+endTime) || s.life.tripping.Load() {
		s.trip(fall{causeHung, protocol.ControllerTripped, "gpio_trip",
			"the pump did not end in time: it hangs"}) // in earnest it does not return
	}
	s.catchUp(ctx, s.refs.gpio, s.refs.telemetry)
	flushed := make(chan struct{})
	s.refs.journal.Send(protocol.JournalFlush{Cause: cause, Done: flushed,
		Orderly: !s.life.tripping.Load()})
	wait(ctx, flushed, flushTime)
	s.catchUp(ctx, s.refs.bridge)
	limit, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	err := s.house.StopAll(limit)
	s.life.over.Store(true)
	if closeErr := s.board.Close(); err == nil {
		err = closeErr
	}
	return err
}

// wordTime is the patience with those who pass on the last words.
const wordTime = 100 * time.Millisecond

// catchUp lets the last events pass these actors, in this order: what a stopped actor still has in
// its mailbox is gone.
func (s *System) catchUp(ctx context.Context, passing ...actors.Ref) {
	limit, cancel := context.WithTimeout(ctx, wordTime)
	defer cancel()
	for _, r := range passing {
		_ = s.house.CatchUp(limit, r) // one that hangs must not hold up the exit
	}
}

// wait says whether it is done within the limit.
func wait(ctx context.Context, done <-chan struct{}, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}
