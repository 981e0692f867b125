package command

import (
	"fmt"
	"strings"
	"sync"

	"go.uber.org/zap"

	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
	"wildfire-watch/watchdog"
)

// signs is what `run` hears of its house: it passes life signs on to the watchdogs, says in one line
// how things are, and hears when safe mode is over.
type signs struct {
	config system.Config
	board  hardware.Board
	dog    *watchdog.Watchdog
	guard  *companion
	again  chan string // why the process is to start anew

	mu     sync.Mutex // messages come from every actor's goroutine
	safe   bool       // every output was proven inactive
	status protocol.PumpStatus
	report protocol.LineReport
	faults map[string]bool
	said   string
}

// newSigns starts the watchdogs. A device that cannot be had is trouble to tell, no reason to stop.
func newSigns(c system.Config, board hardware.Board, log *zap.Logger) *signs {
	s := &signs{config: c, board: board, again: make(chan string, 1), faults: make(map[string]bool),
		guard: &companion{config: c, board: board, log: log.Named("guard")}}
	s.dog, _ = watchdog.Start(c.Watchdog, log.Named("watchdog")) // tellTrouble tells it
	return s
}

// tellTrouble has trouble with the watchdog's device published, from now on.
func (s *signs) tellTrouble(publish func(msg any)) {
	s.guard.tellTrouble(publish)
	s.dog.OnTrouble(func(text string) {
		publish(protocol.Fault{Code: "watchdog", Text: text, Cleared: text == ""})
	})
}

// outside is what is told of the house, who goes out on the network for it, and who reads its settings
// anew.
func (s *signs) outside(n discovery.Network, r *reader) outside {
	return outside{tap: faulty(s.hear), vitals: s.vitals(), prepared: s.guard.await, exit: s.guard.exit,
		network: n, reader: r, hangups: rereads()}
}

// vitals are the house's life signs.
func (s *signs) vitals() system.Vitals {
	return system.Vitals{
		Safe: func() {
			s.dog.Safe()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.safe = true
		},
		Alive: func() {
			s.guard.alive()
			s.dog.Alive()
		},
		Tripping: func(who string) {
			s.guard.tripping(who)
			s.dog.Stopping(s.config.Pump.IgnitionOff + closeWithin)
		},
	}
}

// hear is the house's tap.
func (s *signs) hear(msg any) {
	switch m := msg.(type) {
	case protocol.PumpStatus:
		s.tell(func() { s.status = m })
	case protocol.LineReport:
		s.tell(func() { s.report = m })
	case protocol.Fault:
		s.tell(func() { s.faults[m.Code] = !m.Cleared })
	case protocol.SafeModeOver:
		s.anew(protocol.StopSafeModeOver)
	}
}

// anew asks for a fresh process; the first cause counts.
func (s *signs) anew(cause string) {
	select {
	case s.again <- cause:
	default:
	}
}

// tell takes news and says the line, if it is another.
func (s *signs) tell(take func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	take()
	line := s.line()
	if line == s.said {
		return
	}
	s.said = line
	s.dog.Status(line)
}

// line is how things are, for `systemctl status`.
func (s *signs) line() string {
	var all []string
	say := func(text string, args ...any) { all = append(all, fmt.Sprintf(text, args...)) }
	switch {
	case s.safe:
	case s.report.At.IsZero():
		say("the lines have not been read yet")
	case !s.report.Available:
		say("not ready: the board can be neither written nor read")
	case s.report.Read&^s.report.Commanded != 0:
		say("not ready: %s reads on though commanded off",
			strings.ReplaceAll((s.report.Read&^s.report.Commanded).String(), "+", ", "))
	default:
		say("not ready before every output has read off once")
	}
	if s.faults["safe_mode"] {
		say("safe mode, see the log")
	}
	switch refuses := s.status.Refuses; {
	case s.status.At.IsZero():
		say("starting")
	case refuses != "" && s.status.State != protocol.Error:
		say("%s, a fire now would be refused: %s", s.status.State, refuses)
	default:
		say("%s", s.status.State)
	}
	if s.board.Simulated() {
		say("simulator, nothing real is driven")
	} else {
		say("%s", s.board.Describe())
	}
	if s.faults["guard"] {
		say("no guard")
	}
	return strings.Join(all, "; ")
}
