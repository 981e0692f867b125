package lives

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/appliance"
)

// Promise is how soon after the death of the program the engine is off.
const Promise = 250 * time.Millisecond

// Count reads how often something is done, from the environment.
func Count(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: want a number", name, text)
	}
	return n
}

// Death is how a life ended.
type Death struct {
	At     time.Duration // from then on time counts
	Within time.Duration // the engine is to be off
	Own    bool          // the program may have stopped the engine itself: a main valve that was shut stays shut
}

// Campaign is many deaths of one kind, at random instants of every state of the pump.
type Campaign struct {
	Name       string
	Deaths     int
	Appliances int  // that live at once
	Alone      bool // nobody else starts or dies while one dies: milliseconds count
	// Prepare is called before each life; nil: nothing is prepared.
	Prepare func(*Appliance)
	// Die ends a life.
	Die func(*Appliance) Death

	t     testing.TB
	still stalls
	mu    sync.Mutex
	left  int
	times []time.Duration
	fed   []time.Duration // of those, with the engine on
	early []time.Duration // the program had said nothing yet, and nothing had been on: its guard may be starting too
	bad   int             // deaths with which something is wrong
	late  int             // later than promised, because the guest was held up
	held  time.Duration   // for so long the guest was held up in them
	at    map[string]int
	door  sync.Mutex // one process starts at a time: several at once are no load of an appliance
}

// mostBad ends a campaign early: what is wrong so often is understood by then.
const mostBad = 10

// unheard is the state of a process that has said nothing yet.
const unheard = "at its start"

// targets are the states in which a life is to end, those with the engine on twice as often.
var targets = []protocol.State{protocol.Idle, protocol.Priming, protocol.Starting, protocol.Running, protocol.ReducingRPM,
	protocol.Stopping, protocol.Refilling, protocol.Cooldown, protocol.LowPressure, protocol.Error,
	protocol.Starting, protocol.Running, protocol.ReducingRPM}

// Run runs it, and prints what it took.
func (c *Campaign) Run(t testing.TB, h *House) {
	c.t, c.left, c.at = t, c.Deaths, map[string]int{}
	c.still.watch(t)
	var all sync.WaitGroup
	for _, a := range h.Appliances[:c.Appliances] {
		// A line that nobody drives is an engine that runs.
		a.Chip.Pull(appliance.Lines[hardware.IgnitionOn], true)
		all.Go(func() { c.lives(a) })
	}
	all.Wait()
	c.report()
	heirs, shortest := 0, time.Duration(0)
	for _, a := range h.Appliances[:c.Appliances] {
		heirs = heirs + a.Book.Heirs
		if shortest == 0 || a.Book.Shortest < shortest {
			shortest = a.Book.Shortest
		}
	}
	if heirs == 0 { // each life was of a new device
		return
	}
	fmt.Printf("figure: %s: %d next processes said what they had found; their shortest stop pulse was %v of %v\n", c.Name, heirs,
		shortest.Round(time.Millisecond), appliance.StopPulse)
}

// take takes one death of those that are left.
func (c *Campaign) take() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	return c.left >= 0 && c.bad < mostBad
}

// lives is one appliance from life to life. Those that share the guest's one processor stand aside
// while another starts: an appliance has its machine for itself.
func (c *Campaign) lives(a *Appliance) {
	for c.take() {
		p := Plan{Target: targets[a.Rand.IntN(len(targets))], Limit: 8 * time.Second,
			After: time.Duration(a.Rand.IntN(400)) * time.Millisecond}
		if a.Rand.IntN(4) == 0 {
			p.Limit = time.Duration(a.Rand.IntN(3000)) * time.Millisecond
		}
		if c.Prepare != nil {
			c.Prepare(a)
		}
		c.door.Lock()
		a.Begin()
		a.Guarded()
		a.Heard(min(p.Limit, 2*time.Second))
		c.door.Unlock()
		a.Live(p)
		if a.Over() {
			c.t.Errorf("%s: the program ended by itself\n%s", a.Name, a.Log())
			return
		}
		if c.Alone {
			c.door.Lock()
		}
		state, _, heard := a.told()
		word := state.String()
		if !heard {
			word = unheard
		}
		c.still.since()
		d := c.Die(a)
		if c.Alone {
			a.Stopping(d.At, d.Within)
			c.door.Unlock()
		}
		held := c.still.since()
		s := a.Aftermath(d.At, a.Terms.Pulse+d.Within+5*time.Second)
		c.judge(a, d, s, held, word, a.Audit())
	}
}

// judge counts a death, and says what is wrong with it.
func (c *Campaign) judge(a *Appliance, d Death, s Stop, held time.Duration, state string, wrong []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[state]++
	switch took := s.Off - d.At; {
	case !s.Full:
		wrong = append(wrong, "P14: nobody gave a full stop pulse")
	case state == unheard && !s.Used:
		c.early = append(c.early, took)
	case took > d.Within+held: // a guest is a process of its host, which may have other work
		wrong = append(wrong, fmt.Sprintf("P14: engine off after %v, promised within %v; the guest was held up for %v", took,
			d.Within, held))
	default:
		if took > d.Within {
			c.late++
			c.held += held
		}
		c.times = append(c.times, took)
		if s.Fed {
			c.fed = append(c.fed, took)
		}
	}
	if s.Full && !s.Watered && (s.Open || !d.Own) {
		wrong = append(wrong, "P14: the main valve was not open all through the stop pulse")
	}
	if s.Full && !s.Shut {
		wrong = append(wrong, "P14: not everything is off after the stop pulse")
	}
	if len(wrong) > 0 {
		c.bad++
		c.t.Errorf("%s, in %s:\n%s\n%s\n%s", a.Name, state, strings.Join(wrong, "\n"), Story(a.Facts()), a.Log())
	}
}

// report prints the figures.
func (c *Campaign) report() {
	for _, part := range []struct {
		of    string
		times []time.Duration
	}{{"all", c.times}, {"engine on", c.fed}, {"at its start, nothing on yet, not in the first figure", c.early}} {
		if len(part.times) == 0 {
			continue
		}
		slices.Sort(part.times)
		fmt.Printf("figure: %s (%s, %d deaths): engine off after min %v, median %v, p99 %v, worst %v\n", c.Name,
			part.of, len(part.times), rank(part.times, 0), rank(part.times, 0.5), rank(part.times, 0.99), rank(part.times, 1))
	}
	var states []string
	for s, n := range c.at {
		states = append(states, fmt.Sprintf("%s %d", s, n))
	}
	slices.SortFunc(states, func(a, b string) int { return cmp.Compare(a, b) })
	fmt.Printf("figure: %s: none missed: %v; later than promised: %d (the guest was held up for %v in them); in %v\n", c.Name,
		len(c.times)+len(c.early) == c.Deaths, c.late, c.held, states)
}

// rank is a percentile by nearest rank.
func rank(times []time.Duration, share float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[max(int(math.Ceil(share*float64(len(times))))-1, 0)].Round(10 * time.Microsecond)
}

// Kills kills the program at random instants of all its states, with SIGKILL.
func Kills(t *testing.T, deaths, appliances int, seed uint64) {
	h := New(t, appliances, Settings{Seed: seed, Multiplier: 0.4})
	c := Campaign{Name: "SIGKILL, promised 250ms", Deaths: deaths, Appliances: appliances, Alone: true,
		Die: func(a *Appliance) Death { return Death{At: a.Kill(syscall.SIGKILL, "killed"), Within: Promise} }}
	c.Run(t, h)
}

// Seed is the seed of a campaign: SEED, or another one each day, so that CI does not see the same
// lives for ever; it is printed.
func Seed(t testing.TB, otherwise uint64) uint64 {
	seed := uint64(Count(t, "SEED", int(time.Now().Unix()/86400))) + otherwise<<32
	fmt.Printf("figure: seed %d\n", seed&math.MaxUint32)
	return seed
}
