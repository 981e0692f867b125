package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// storm is a scene that is watched: its words do more harm than a scenario's, and everything that
// can be seen of it is written down.
type storm struct {
	*scene
	record *record
	stuck  map[hardware.Output]bool // what outlives the process: welded relays, cut wires, pressed buttons
	held   map[hardware.Input]bool
	fed    map[hardware.Output]bool
	kernel int
	moved  chan struct{} // something was heard
}

func newStorm(w *scene) *storm {
	s := &storm{scene: w, record: &record{start: w.start}, stuck: map[hardware.Output]bool{},
		held: map[hardware.Input]bool{}, fed: map[hardware.Output]bool{}, moved: make(chan struct{}, 1)}
	w.heard = func(msg any) {
		s.record.hear(msg)
		if _, ok := msg.(protocol.PumpStatus); ok {
			select {
			case s.moved <- struct{}{}:
			default:
			}
		}
	}
	w.lens = func(b hardware.Board) hardware.Board {
		for o, on := range s.stuck {
			w.board.StickOutput(o, on)
		}
		for i, on := range s.held {
			w.board.SetInput(i, on)
		}
		for o, on := range s.fed {
			w.board.SetFeedback(o, on)
		}
		s.record.add(fact{kind: factBooted, text: w.clock.bootID})
		return lens{b, s.record, s.runs}
	}
	return s
}

// runs: the plant's engine runs, and no welded relay is what feeds it.
func (s *storm) runs() bool {
	return !s.stuck[hardware.IgnitionStart] && !s.stuck[hardware.IgnitionOn] && s.board.Plant().Running
}

// do carries out one line of a script.
func (s *storm) do(line string) error {
	words := strings.Fields(line)
	switch words[0] {
	case "set", "fire", "wall", "wait":
		return commands[words[0]](s.scene, words[1:])
	case "start":
		return s.boot()
	case "until": // as long as it takes, or as long as it is given
		return s.await(words[1], words[2])
	case "trigger":
		return s.shout(words[1:])
	case "command":
		return s.orderOf(words[1:])
	case "sensor":
		return s.sense(words[1], words[2])
	case "stick":
		return s.weld(words[1], words[2])
	case "feedback":
		return s.feed(words[1], words[2])
	case "board":
		s.break_(words[1])
		return nil
	case "restart", "crash", "powercut":
		return s.again(words[0])
	}
	return fmt.Errorf("no such word")
}

func (s *storm) boot() error {
	defer synctest.Wait()
	return s.scene.boot()
}

// await waits for one of these states, IDLE|ERROR, or as long as it is given.
func (s *storm) await(states, limit string) error {
	d, err := time.ParseDuration(limit)
	reached := func() bool { return slices.Contains(strings.Split(states, "|"), s.pumpState()) }
	for end := time.Now().Add(d); err == nil && !reached() && time.Now().Before(end); {
		if len(s.fires) > 0 {
			s.pass(min(time.Second, time.Until(end)))
			continue
		}
		select {
		case <-s.moved:
		case <-time.After(time.Until(end)):
		}
		synctest.Wait()
	}
	return err
}

// stamp is a sender's time: none, some seconds ago (-3s) or ahead (5m).
func (s *storm) stamp(word string) (stamp time.Time, stale bool, err error) {
	if word == "" {
		return time.Time{}, false, nil
	}
	d, err := time.ParseDuration(word)
	return s.clock.Wall().Add(d), d < -time.Minute, err
}

// trigger [-3s] [x20]: fire, told from outside so many times at once.
func (s *storm) shout(words []string) error {
	n, by := 1, ""
	for _, w := range words {
		if rest, ok := strings.CutPrefix(w, "x"); ok {
			n, _ = strconv.Atoi(rest)
			continue
		}
		by = w
	}
	stamp, stale, err := s.stamp(by)
	s.record.add(fact{kind: factOrdered, count: n, stale: stale, text: "trigger"})
	for range n {
		s.running.Publish(protocol.TriggerRequested{Source: source(stale), Stamp: stamp, Arrived: time.Now(),
			Wall: s.clock.Wall()})
	}
	synctest.Wait()
	return err
}

func source(stale bool) string {
	if stale {
		return "stale"
	}
	return "fresh"
}

// command stop [-3s]
func (s *storm) orderOf(words []string) error {
	action, ok := protocol.ParseCommand(words[0])
	if !ok {
		return errors.New("no such command")
	}
	stamp, stale, err := s.stamp(strings.Join(words[1:], ""))
	s.record.add(fact{kind: factOrdered, order: action, stale: stale, text: words[0]})
	s.running.Publish(protocol.Command{Action: action, Source: source(stale), Stamp: stamp, Arrived: time.Now(),
		Wall: s.clock.Wall()})
	synctest.Wait()
	return err
}

// sensor flow on | off | plant
func (s *storm) sense(name, level string) error {
	i := hardware.Input(slices.Index(hardware.InputNames[:], name))
	if level == "plant" {
		delete(s.held, i)
		s.board.FollowPlant(i)
	} else {
		s.held[i] = level == "on"
		s.board.SetInput(i, s.held[i])
	}
	synctest.Wait()
	return nil
}

// stick main_valve on | off | free
func (s *storm) weld(name, level string) error {
	o := hardware.Output(slices.Index(hardware.OutputNames[:], name))
	if level == "free" {
		delete(s.stuck, o)
		s.board.Free(o)
	} else {
		s.stuck[o] = level == "on"
		s.board.StickOutput(o, s.stuck[o])
	}
	synctest.Wait()
	return nil
}

// feedback main_valve on | off | line
func (s *storm) feed(name, level string) error {
	o := hardware.Output(slices.Index(hardware.OutputNames[:], name))
	if level == "line" {
		delete(s.fed, o)
		s.board.FollowLine(o)
	} else {
		s.fed[o] = level == "on"
		s.board.SetFeedback(o, s.fed[o])
	}
	synctest.Wait()
	return nil
}

// board deaf | blind | well: writes fail, reads fail, both work. A new process finds a board that works.
func (s *storm) break_(how string) {
	broken := errors.New("remote I/O error")
	switch how {
	case "deaf":
		s.board.FailWrites(broken)
	case "blind":
		s.board.FailReads(broken)
	default:
		s.board.FailWrites(nil)
		s.board.FailReads(nil)
	}
	synctest.Wait()
}

// restart in good order, crash, or power cut.
func (s *storm) again(how string) error {
	time.Sleep(1370 * time.Microsecond) // at an instant of its own: the deeds of one have no order
	if how == "restart" {
		s.record.add(fact{kind: factEnding})
		if err := s.running.Stop(context.Background(), "signal"); err != nil {
			return err
		}
		s.record.add(fact{kind: factEnded})
		s.store.Close()
		time.Sleep(10 * time.Millisecond)
		s.record.add(fact{kind: factFell})
	} else {
		s.record.add(fact{kind: factFell})
		s.die()
		time.Sleep(time.Second)
	}
	if how == "powercut" {
		time.Sleep(time.Minute)
		s.kernel++
		s.clock.boot, s.clock.bootID = time.Now(), fmt.Sprintf("kernel-%d", s.kernel)
	}
	time.Sleep(time.Millisecond)
	return s.boot()
}
