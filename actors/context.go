package actors

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// Context is an actor's view of the house. It belongs to one instance of one actor and may be used
// from its methods only.
type Context struct {
	house  *House
	self   Ref
	timers map[string]armed
	next   uint64 // generation of the next timer
	ctx    context.Context
	cancel context.CancelFunc
}

type armed struct {
	timer      *time.Timer
	generation uint64
}

// fired is a timer's message before its generation is checked.
type fired struct {
	name       string
	generation uint64
	of         *Context // a timer of an instance that was restarted is nobody's
}

func (fired) Urgent() bool { return true }

// worked is what work came back with, for the instance that started it and for no later one. It
// takes the lane of its result.
type worked struct {
	of     *Context
	result any
}

// Self is the actor's own address, for others to send to.
func (c *Context) Self() Ref { return c.self }

// Now is monotonic time; the only time that decides.
func (c *Context) Now() time.Time { return c.house.clock.Now() }

// Wall is the wall clock, for stamps and ages of messages alone.
func (c *Context) Wall() time.Time { return c.house.clock.Wall() }

// Clock is the house's clock.
func (c *Context) Clock() Clock { return c.house.clock }

// Publish hands msg to whoever hears that kind of message; the system's routes decide.
func (c *Context) Publish(msg any) { c.house.Publish(msg) }

// Spawn starts another actor in the same house.
func (c *Context) Spawn(name string, k Kind, make func() Actor) (Ref, error) {
	return c.house.Spawn(name, k, make)
}

// Yield lets whoever was sent a message last have the processor now. Call it after a message that a
// line waits for and before those that only inform: on a small machine they would go first.
func (c *Context) Yield() { runtime.Gosched() }

// After arms the timer of that name, replacing it if it is armed: Fired{name} arrives d from now.
func (c *Context) After(name string, d time.Duration) {
	c.Cancel(name)
	c.next++
	f := fired{name: name, generation: c.next, of: c}
	if c.timers == nil {
		c.timers = make(map[string]armed)
	}
	c.timers[name] = armed{time.AfterFunc(d, func() { c.self.Send(f) }), f.generation}
}

// Cancel disarms the timer of that name; one that is not armed is no mistake.
func (c *Context) Cancel(name string) {
	if a, ok := c.timers[name]; ok {
		a.timer.Stop()
		delete(c.timers, name)
	}
}

// accept says whether a fired timer is still the one armed, and disarms it.
func (c *Context) accept(f fired) bool {
	a, ok := c.timers[f.name]
	if !ok || f.of != c || a.generation != f.generation {
		return false
	}
	delete(c.timers, f.name)
	return true
}

// Go runs work outside the mailbox with a context that ends with the actor; what it returns comes
// back as a message, unless it is nil or the actor has stopped or was restarted meanwhile. A panic in
// it is logged, and trips the outputs if the actor is critical.
func (c *Context) Go(work func(ctx context.Context) any) {
	ctx := c.ctx
	go func() {
		defer func() {
			if r := recover(); r != nil {
				c.house.failed(c.self, r, debug.Stack())
			}
		}()
		if result := work(ctx); result != nil && ctx.Err() == nil {
			c.self.Send(worked{c, result})
		}
	}()
}

// Done is closed when the actor stops; for goroutines that wait on something.
func (c *Context) Done() <-chan struct{} { return c.ctx.Done() }

// end stops timers and work of the instance. It does not wait for the work.
func (c *Context) end() {
	for name := range c.timers {
		c.Cancel(name)
	}
	c.cancel()
}
