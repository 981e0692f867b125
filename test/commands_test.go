package test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// commands are the words of a scenario.
var commands map[string]func(w *scene, words []string) error

func init() {
	commands = map[string]func(w *scene, words []string) error{
		"set":      (*scene).set,
		"broker":   (*scene).broker,
		"start":    (*scene).begin,
		"fire":     (*scene).fire,
		"wait":     (*scene).wait,
		"until":    (*scene).until,
		"trigger":  (*scene).trigger,
		"command":  (*scene).command,
		"press":    func(w *scene, words []string) error { return w.input(words, true) },
		"release":  func(w *scene, words []string) error { return w.input(words, false) },
		"sensor":   (*scene).sensor,
		"stick":    (*scene).stick,
		"wall":     (*scene).wall,
		"restart":  (*scene).restart,
		"again":    (*scene).again,
		"crash":    (*scene).crash,
		"powercut": (*scene).powerCut,
		"expect":   (*scene).expect,
	}
}

// set gpio.flow=21 pump.refill_multiplier=0: keys of the configuration, before start.
func (w *scene) set(words []string) error {
	w.sets = append(w.sets, words...)
	return nil
}

// broker away: MQTT is configured, and nobody answers.
func (w *scene) broker([]string) error {
	w.dial = func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }
	return nil
}

// start: the process starts.
func (w *scene) begin([]string) error {
	w.say("start")
	return w.boot()
}

// fire north east grows | fire north steady | fire out
func (w *scene) fire(words []string) error {
	w.say("fire " + strings.Join(words, " "))
	w.fires = nil
	if words[0] == "out" {
		return nil
	}
	growth, ok := map[string]float64{"grows": 1.03, "steady": 1, "shrinks": 0.97}[words[len(words)-1]]
	if !ok {
		return fmt.Errorf("a fire grows, is steady, shrinks or is out")
	}
	for _, camera := range words[:len(words)-1] {
		w.fires = append(w.fires, &blaze{camera: camera, area: 0.01, growth: growth})
	}
	return nil
}

func (w *scene) wait(words []string) error {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	w.pass(d)
	return nil
}

// until RUNNING [30m]: at most so long, at most a day.
func (w *scene) until(words []string) error {
	limit := 24 * time.Hour
	if len(words) > 1 {
		var err error
		if limit, err = time.ParseDuration(words[1]); err != nil {
			return err
		}
	}
	for end := time.Now().Add(limit); w.pumpState() != words[0]; {
		if !time.Now().Before(end) {
			return fmt.Errorf("still %s after %v", w.pumpState(), limit)
		}
		w.pass(100 * time.Millisecond)
	}
	return nil
}

func (w *scene) pumpState() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now.String()
}

func (w *scene) trigger([]string) error {
	w.say("trigger from outside")
	w.running.Publish(protocol.TriggerRequested{Source: "mqtt", Arrived: time.Now(), Wall: w.clock.Wall()})
	synctest.Wait()
	return nil
}

func (w *scene) command(words []string) error {
	action, ok := protocol.ParseCommand(words[0])
	if !ok {
		return fmt.Errorf("no such command")
	}
	w.say("command " + words[0])
	w.running.Publish(protocol.Command{Action: action, Source: "mqtt", Arrived: time.Now(), Wall: w.clock.Wall()})
	synctest.Wait()
	return nil
}

// press stop_button | release stop_button
func (w *scene) input(words []string, active bool) error {
	verb := map[bool]string{true: "press ", false: "release "}[active]
	w.say(verb + words[0])
	return w.drive(words[0], active)
}

func (w *scene) drive(name string, active bool) error {
	i := slices.Index(hardware.InputNames[:], name)
	if i < 0 {
		return fmt.Errorf("no such input: %s", name)
	}
	w.board.SetInput(hardware.Input(i), active)
	time.Sleep(60 * time.Millisecond) // the debounce
	synctest.Wait()
	return nil
}

// sensor flow off | sensor flow on | sensor flow plant: hold it, or let the plant speak again.
func (w *scene) sensor(words []string) error {
	w.say("sensor " + strings.Join(words, " "))
	i := slices.Index(hardware.InputNames[:], words[0])
	if i < 0 {
		return fmt.Errorf("no such input: %s", words[0])
	}
	if words[1] == "plant" {
		w.board.FollowPlant(hardware.Input(i))
		time.Sleep(60 * time.Millisecond)
		synctest.Wait()
		return nil
	}
	return w.drive(words[0], words[1] == "on")
}

// stick main_valve off | stick main_valve free
func (w *scene) stick(words []string) error {
	w.say("stick " + strings.Join(words, " "))
	i := slices.Index(hardware.OutputNames[:], words[0])
	if i < 0 {
		return fmt.Errorf("no such output: %s", words[0])
	}
	if words[1] == "free" {
		w.board.Free(hardware.Output(i))
	} else {
		w.board.StickOutput(hardware.Output(i), words[1] == "on")
	}
	synctest.Wait()
	return nil
}

// wall +24h: the wall clock jumps, real time does not.
func (w *scene) wall(words []string) error {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	w.say("wall clock jumps " + words[0])
	w.clock.step.Add(int64(d))
	return nil
}

// restart: the process is stopped in good order and started again, in the same kernel boot.
func (w *scene) restart([]string) error {
	w.say("restart")
	return w.stopAndBoot("signal")
}

// again: safe mode is over, and the process starts anew by itself.
func (w *scene) again([]string) error {
	w.say("starts anew")
	return w.stopAndBoot(protocol.StopSafeModeOver)
}

func (w *scene) stopAndBoot(cause string) error {
	if err := w.running.Stop(context.Background(), cause); err != nil {
		return err
	}
	w.store.Close()
	return w.boot()
}

// crash: the process dies and is started again, in the same kernel boot.
func (w *scene) crash([]string) error {
	w.say("crash")
	w.die()
	time.Sleep(time.Second)
	return w.boot()
}

// powercut: everything is dark for a minute.
func (w *scene) powerCut([]string) error {
	w.say("power cut")
	w.die()
	time.Sleep(time.Minute)
	w.clock.boot = time.Now()
	n, _ := strconv.Atoi(strings.TrimPrefix(w.clock.bootID, "boot-"))
	w.clock.bootID = fmt.Sprintf("boot-%d", n+1)
	return w.boot()
}
