package command

import (
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/system"
	"wildfire-watch/guard"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/gpiocdev"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// guardCommand is what `run` starts beside itself.
type guardCommand struct{}

// guardName is that command's name. It is told apart before anything else is set up: a guard is to
// be there at once, and small.
const guardName = "guard"

// Run is the guard process, until its work is done.
func (guardCommand) Run(t *terminal) error {
	return guard.Run(guard.Socket, seize, func(text string) {
		fmt.Fprintf(t.err, "%s guard: %s\n", time.Now().UTC().Format(time.RFC3339), text)
	})
}

// seize takes lines of a dead process's board, at the levels of the stop pulse from the first moment.
func seize(o guard.Orders, lines protocol.Lines) (hardware.Board, error) {
	if o.Board != boardReal {
		w := o.Wiring
		for i := range w.Outputs {
			if !lines.Has(protocol.Line(i)) {
				w.Outputs[i] = -1
			}
		}
		return simulator.Continue(simulator.Settings{Wiring: w, LineLog: o.LineLog, Stick: o.Stick})
	}
	s := gpiocdev.Settings{Chip: o.Chip, Wiring: o.Wiring, Consumer: gpiocdev.Consumer + "-guard",
		Initial: hardware.Outputs(guard.StopLevels), OutputsOnly: true}
	if lines == guard.Every {
		return gpiocdev.Open(s)
	}
	return gpiocdev.Some(s, hardware.Outputs(lines))
}

// guardOrders are what a guard must know of a configuration whose board is chosen.
func guardOrders(c system.Config) guard.Orders {
	return guard.Orders{Board: c.GPIO.Board, Chip: c.GPIO.Chip, Wiring: c.GPIO.Wiring(),
		Pulse: c.Pump.IgnitionOff, Deadman: c.GPIO.Deadman, LineLog: c.GPIO.LineLog,
		Stick: c.Simulator.Stick, Dir: c.Journal.Dir}
}

// guardPatience is how much longer than a stop pulse a start waits for the guard of the process
// before.
const guardPatience = 5 * time.Second

// awaitGuard returns when no guard is giving a stop pulse any more: nobody starts over it.
func awaitGuard(c system.Config, log *zap.Logger) {
	limit := c.Pump.IgnitionOff + guardPatience
	if _, done := guard.Wait(c.Journal.Dir, limit, func(text string) { log.Warn(text) }); !done {
		log.Error("the guard of the process before is still at work: starting all the same")
	}
}

// companion is the guard as `run` sees it. Its methods do nothing before begin.
type companion struct {
	config system.Config
	board  hardware.Board
	log    *zap.Logger
	watch  *guard.Watch  // nil before begin
	up     chan struct{} // closed when the first guard watches, or is lost

	mu      sync.Mutex // guards what follows
	publish func(msg any)
	lost    error
}

// begin starts the guard. Without one the house goes on, and says so.
func (g *companion) begin() {
	g.watch, _ = guard.Start(guardOrders(g.config), guard.Options{Lost: g.hear}) // Lost hears why not
	g.up = make(chan struct{})
	go func() {
		defer close(g.up)
		if g.watch.Up() {
			g.log.Info("guarded", zap.Int("pid", g.watch.PID()))
		}
	}()
}

// guardStart is how long the actors wait for the guard before they start: it has been starting beside
// journal and broker. A process that dies without one leaves the engine on.
const guardStart = time.Second

// await waits for the guard.
func (g *companion) await() {
	t := time.NewTimer(guardStart)
	defer t.Stop()
	select {
	case <-g.up:
	case <-t.C:
		g.log.Warn("the guard is slow to start: going on without it")
	}
}

// hear takes the news that the guard is lost, or with nil that there is one again.
func (g *companion) hear(why error) {
	if why != nil {
		g.log.Error("no guard: if this process dies now, the engine is not stopped by another", zap.Error(why))
	} else {
		g.log.Info("guarded again", zap.Int("pid", g.watch.PID()))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = why
	if g.publish != nil {
		g.publish(g.fault())
	}
}

// tellTrouble has the loss of the guard published, from now on.
func (g *companion) tellTrouble(publish func(msg any)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.publish = publish
	if g.lost != nil {
		publish(g.fault())
	}
}

func (g *companion) fault() protocol.Fault {
	f := protocol.Fault{Code: "guard", Cleared: g.lost == nil}
	if g.lost != nil {
		f.Text = fmt.Sprintf("no guard stops the engine if this process dies: %v", g.lost)
	}
	return f
}

func (g *companion) alive() {
	if g.watch != nil {
		g.watch.Alive()
	}
}

func (g *companion) tripping(who string) {
	if g.watch != nil {
		g.watch.Tripping(who)
	}
}

// bye lets the guard go: everything is off.
func (g *companion) bye() {
	if g.watch != nil {
		g.watch.Bye()
	}
}

// offPatience is how long a board may take to say, after a trip, that everything is off.
const offPatience = 50 * time.Millisecond

// exit ends the process after a trip. If it cannot be read that every line is off, nobody says
// goodbye to the guard, and it stops the engine once more.
func (g *companion) exit(code int) {
	off := make(chan bool, 1)
	go func() {
		levels, err := g.board.Read()
		off <- err == nil && levels.Outputs == 0
	}()
	select {
	case proven := <-off:
		if proven {
			g.bye()
		}
	case <-time.After(offPatience):
	}
	os.Exit(code)
}
