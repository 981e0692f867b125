package actors

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"
)

// guardian decides what a panic does. It runs at once, on the failing goroutine. A critical actor
// trips the outputs and stays down; the trip ends the process (SPEC P14). Any other is restarted
// with fresh state, unless it fails again and again.
type guardian struct{ house *House }

const (
	restartsAllowed = 10               // panics of one actor …
	restartWindow   = 10 * time.Second // … within this time stop it
)

// HandleFailure is protoactor's call.
func (g *guardian) HandleFailure(_ *actor.ActorSystem, sv actor.Supervisor, child *actor.PID,
	stats *actor.RestartStatistics, reason, msg any,
) {
	stack := debug.Stack()
	c := g.house.cellOf(child)
	name, critical := child.Id, false
	if c != nil {
		name, critical = c.name, c.kind.Critical
	}
	if critical {
		g.house.tripped(name, reason, stack) // before the log, which may block
	}
	g.house.log.Error("actor panicked", zap.String("actor", name), zap.String("reason", fmt.Sprint(reason)),
		zap.String("message", fmt.Sprintf("%T", msg)), zap.ByteString("stack", stack))
	if critical {
		sv.StopChildren(child)
		return
	}
	stats.Fail()
	if stats.NumberOfFailures(restartWindow) > restartsAllowed {
		g.house.log.Error("actor stopped: it keeps failing", zap.String("actor", name))
		sv.StopChildren(child)
		return
	}
	sv.RestartChildren(child)
}

// failed is a panic that no supervisor sees: in work started with Context.Go, or in Stopping.
func (h *House) failed(who Ref, reason any, stack []byte) {
	if who.cell.kind.Critical {
		h.tripped(who.Name(), reason, stack)
	}
	h.log.Error("actor's work panicked", zap.String("actor", who.Name()),
		zap.String("reason", fmt.Sprint(reason)), zap.ByteString("stack", stack))
}

// tripped calls Trip. Should that panic too, the actor is stopped and the log written none the less.
func (h *House) tripped(who string, reason any, stack []byte) {
	defer func() {
		if r := recover(); r != nil {
			h.log.Error("trip panicked", zap.String("actor", who), zap.String("reason", fmt.Sprint(r)),
				zap.ByteString("stack", debug.Stack()))
		}
	}()
	h.trip(who, reason, stack)
}

func (h *House) cellOf(pid *actor.PID) *cell {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cells[pid.Id]
}
