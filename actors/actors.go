// Package actors is the whole of our surface of protoactor-go: spawning, sending, mailbox lanes,
// timers, the fail-safe guardian and the log bridge. No other package imports protoactor-go.
//
// Promises to an actor:
//   - its methods are called one at a time, never at once, so it needs no lock of its own;
//   - messages of one sender in one lane arrive in the order they were sent;
//   - lanes are served in the order system, urgent, control, bulk; only bulk drops (oldest first,
//     counted);
//   - a timer that was cancelled or armed anew never fires late;
//   - what it starts with Context.Go is cancelled when it stops.
//
// Duties of an actor: Receive never blocks, never does network or disk work, never waits for
// another actor.
package actors

// Actor owns a piece of state. Its methods are called by the house, one at a time.
type Actor interface {
	// Started is called once per instance, before the first message.
	Started(c *Context)
	// Receive handles one message. It must return quickly: an urgent message waits for it.
	Receive(c *Context, msg any)
	// Stopping is called once, last. Messages still queued are gone afterwards.
	Stopping(c *Context)
}

// Urgent is what a message implements that overtakes control and bulk traffic (a stop, a trip, a
// line's report). The method may decide by value.
type Urgent interface{ Urgent() bool }

// Bulk is what a message implements that may be dropped, oldest first, when its receiver is
// flooded (detections, telemetry).
type Bulk interface{ Bulk() bool }

// Fired is delivered in the urgent lane when a timer armed with Context.After is due.
type Fired struct{ Name string }

// Kind says how an actor fails and how much bulk it holds.
type Kind struct {
	// Name groups actors for logs and figures: "camera", "pump".
	Name string
	// Critical actors are never restarted: a panic trips the outputs and ends the process.
	Critical bool
	// BulkLimit bounds the bulk lane; 0 means DefaultBulkLimit.
	BulkLimit int
}

// DefaultBulkLimit is how many bulk messages wait for one actor before the oldest is dropped.
const DefaultBulkLimit = 1024

// Ref addresses an actor. The zero Ref is nobody: what is sent to it is gone.
type Ref struct{ cell *cell }

// Name is the name that the actor was spawned with; empty for nobody.
func (r Ref) Name() string {
	if r.cell == nil {
		return ""
	}
	return r.cell.name
}

// Send puts msg into the actor's mailbox and returns at once. A nil message is refused. A message
// for an actor that has stopped is dropped and counted.
func (r Ref) Send(msg any) {
	if r.cell == nil || msg == nil {
		return
	}
	r.cell.send(msg)
}
