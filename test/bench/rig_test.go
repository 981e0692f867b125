// Package bench measures the figures that are promised: `make bench` prints them. Nothing here
// passes or fails by time.
package bench

import (
	"fmt"
	"math"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/broker"
	"wildfire-watch/command"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// rig is the whole system in this process, with a board that notes when a line changes.
type rig struct {
	b      *testing.B
	system *system.System
	broker *broker.Broker
	wrote  chan written
	state  atomic.Int32
	slow   atomic.Int64 // nanoseconds that each write takes longer
	beats  beats
}

// written is one write to the board.
type written struct {
	lines hardware.Outputs
	at    time.Time
}

type noting struct {
	hardware.Board
	r *rig
}

func (n noting) Write(o hardware.Outputs) error {
	time.Sleep(time.Duration(n.r.slow.Load()))
	err := n.Board.Write(o)
	select {
	case n.r.wrote <- written{o, time.Now()}:
	default:
	}
	return err
}

// quick durations: the pump is back in IDLE a few milliseconds after a stop and a reset.
var quick = []string{
	"gpio.board=simulator",
	"telemetry.health_interval=1h", "telemetry.system_interval=1h", "consensus.growth_hold=0",
	"consensus.cooldown_period=0", "consensus.max_cameras=10000",
	"pump.pre_open_delay=10ms", "pump.ignition_start_duration=20ms", "simulator.catch_after=5ms",
	"pump.priming_duration=10m", "pump.ignition_off_duration=10ms", "pump.valve_close_delay=0",
	"pump.refill_multiplier=0", "pump.cooldown_duration=0", "pump.rpm_reduction_duration=50ms",
}

func newRig(b *testing.B, withBroker bool, sets ...string) *rig {
	b.Helper()
	if !withBroker {
		return newRigWith(b, nil, sets...)
	}
	return newRigWith(b, &broker.Settings{Listen: "127.0.0.1:0", Log: zap.NewNop()}, sets...)
}

// newRigWith makes a rig with a broker of these settings; nil: without one.
func newRigWith(b *testing.B, settings *broker.Settings, sets ...string) *rig {
	b.Helper()
	defaults, err := os.ReadFile("../../config.toml")
	if err != nil {
		b.Fatal(err)
	}
	c, mistakes, err := system.Load(defaults, "", append(append(slices.Clone(quick), "journal.dir="+b.TempDir()), sets...))
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range mistakes {
		if !m.Warning {
			b.Fatalf("%+v", m)
		}
	}
	board, err := simulator.New(command.SimulatorSettings(c))
	if err != nil {
		b.Fatal(err)
	}
	store, found, err := journal.Open(c.Journal)
	if err != nil {
		b.Fatal(err)
	}
	r := &rig{b: b, wrote: make(chan written, 4096)}
	parts := system.Parts{Config: c, Board: noting{board, r}, Store: store, Recovered: found, Version: "bench", NoBridge: true, Tap: r.tap,
		Vitals: system.Vitals{Alive: r.beats.alive, Tripping: func(who string) { panic("trip: " + who) }}}
	if settings != nil {
		if r.broker, err = broker.Open(*settings); err != nil {
			b.Fatal(err)
		}
		parts.NoBridge, parts.Dial = false, r.broker.Dial
	}
	if r.system, err = system.Start(parts); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = r.system.Stop(b.Context(), "bench")
		if r.broker != nil {
			_ = r.broker.Close()
		}
		_ = store.Close()
	})
	return r
}

func (r *rig) tap(msg any) {
	if m, ok := msg.(protocol.PumpStatus); ok {
		r.state.Store(int32(m.State))
	}
}

// await returns the instant of the first write that is as wanted.
func (r *rig) await(want func(hardware.Outputs) bool) time.Time {
	r.b.Helper()
	at, ok := r.within(10*time.Second, want)
	if !ok {
		r.b.Fatalf("no such write within 10 s; the pump is %v", protocol.State(r.state.Load()))
	}
	return at
}

// within is the same for who can go on without.
func (r *rig) within(patience time.Duration, want func(hardware.Outputs) bool) (at time.Time, ok bool) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case w := <-r.wrote:
			if want(w.lines) {
				return w.at, true
			}
		case <-limit.C:
			return at, false
		}
	}
}

// drain forgets the writes noted so far.
func (r *rig) drain() {
	for {
		select {
		case <-r.wrote:
		default:
			return
		}
	}
}

// until waits for a state of the pump.
func (r *rig) until(want protocol.State) {
	r.b.Helper()
	for start := time.Now(); protocol.State(r.state.Load()) != want; {
		if time.Since(start) > 10*time.Second {
			r.b.Fatalf("not %v within 10 s but %v", want, protocol.State(r.state.Load()))
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// window is consensus.detection_window of the latency benchmarks: long enough for six samples, short
// enough that a fire of one round is forgotten before the next.
const window = 100 * time.Millisecond

// home stops, lets the fire be forgotten, resets and waits for IDLE.
func (r *rig) home() {
	r.order(protocol.CommandStop)
	r.await(func(o hardware.Outputs) bool { return o == 0 })
	time.Sleep(window + 10*time.Millisecond)
	r.order(protocol.CommandReset)
	r.until(protocol.Idle)
	r.drain()
}

func (r *rig) order(a protocol.CommandAction) {
	r.system.Publish(protocol.Command{Action: a, Source: "bench", Arrived: time.Now(), Wall: time.Now()})
}

// report prints percentiles of what was measured.
func report(b *testing.B, name string, took []time.Duration) {
	slices.Sort(took)
	at := func(p float64) float64 {
		rank := int(math.Ceil(p * float64(len(took)))) // nearest rank
		return float64(took[max(rank, 1)-1]) / float64(time.Microsecond)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(0.5), name+"-p50-us")
	b.ReportMetric(at(0.99), name+"-p99-us")
	b.ReportMetric(at(1), name+"-max-us")
	b.ReportMetric(float64(len(took)), "runs")
}

// flame is a detection payload of the n-th sample of a fire that doubles.
func flame(n int, stamp time.Time) string {
	side := 0.05 * (1 + 0.2*float64(n))
	return fmt.Sprintf(`{"confidence":0.9,"bbox":[0.1,0.1,%.4f,%.4f],"object_id":"f","label":"fire","timestamp":%.6f}`,
		0.1+side, 0.1+side, float64(stamp.UnixMicro())/1e6)
}
