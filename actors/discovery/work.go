package discovery

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// book sees to it that what has changed in the ledger gets to disk, and returns what waits for that:
// work that tries logins calls it first.
func (a *Actor) book(c *actors.Context) (save func() (problem string)) {
	changes := a.machine.LedgerChanges()
	if changes == a.saved {
		return func() string { return "" }
	}
	a.saved = changes
	ledger := a.machine.Ledger()
	save = func() string {
		if err := a.keeper.save(ledger, changes); err != nil {
			return err.Error()
		}
		return ""
	}
	c.Go(func(context.Context) any { return kept{save()} })
	return save
}

// carryOut does one thing that the machine says.
func (a *Actor) carryOut(c *actors.Context, out any, save func() string) {
	switch o := out.(type) {
	case Scan:
		a.scan(c, o)
	case Interview:
		a.interview(c, o, save)
	case Check:
		c.Go(func(ctx context.Context) any {
			ctx, cancel := context.WithTimeout(ctx, o.Within)
			defer cancel()
			r := a.s.Network.Check(ctx, o.Order)
			r.Key, r.Generation, r.IP = o.Order.Key, o.Order.Generation, o.Order.IP
			return r
		})
	case Announcement:
		if p, ok := o.publication(clocks{c.Now(), c.Wall()}); ok {
			c.Publish(p)
		}
	case Change:
		if p, ok := o.publication(clocks{c.Now(), c.Wall()}); ok {
			c.Publish(p)
		}
	case Withdrawal:
		c.Publish(o.publication())
	case Handover:
		a.handOver(c, o)
	case protocol.Fault:
		a.fault(c, o.Code, o.Text)
	default:
		c.Publish(out)
	}
}

// scan looks around. Each sighting comes at once, for this instance.
func (a *Actor) scan(c *actors.Context, o Scan) {
	self := c.Self()
	c.Go(func(ctx context.Context) any {
		ctx, cancel := context.WithTimeout(ctx, o.Within)
		defer cancel()
		r := a.s.Network.Scan(ctx, o.Order, func(s protocol.Sighting) { self.Send(sighted{s, a}) })
		r.Cycle = o.Order.Cycle
		return r
	})
}

// interview asks a host who it is. Logins are tried when it is on disk that they are.
func (a *Actor) interview(c *actors.Context, o Interview, save func() string) {
	c.Go(func(ctx context.Context) any {
		if len(o.Order.Logins) > 0 {
			save() // its problem is told by who saves besides
		}
		ctx, cancel := context.WithTimeout(ctx, o.Within)
		defer cancel()
		begun := time.Now()
		r := a.s.Network.Interview(ctx, o.Order)
		a.s.Log.Debug("interviewed", zap.String("ip", o.Order.IP), zap.String("mac", o.Order.MAC),
			zap.Int("logins", len(o.Order.Logins)), zap.Duration("took", time.Since(begun)), zap.String("is", r.MAC),
			zap.String("proof", r.Proof), zap.String("login", string(r.Login)), zap.String("suspect", r.Suspect),
			zap.String("problem", r.Problem))
		r.Key, r.Generation, r.IP = o.Order.Key, o.Order.Generation, o.Order.IP
		return r
	})
}

// listen hears who speaks up by himself.
func (a *Actor) listen(c *actors.Context) {
	self := c.Self()
	c.Go(func(ctx context.Context) any {
		a.s.Network.Watch(ctx, func(s protocol.Sighting) { self.Send(sighted{s, a}) })
		return unheard{}
	})
}

// handOver gives the NVR its cameras.
func (a *Actor) handOver(c *actors.Context, h Handover) {
	if a.s.YAML == nil {
		return
	}
	text, err := a.s.YAML(h.Cameras)
	if err != nil {
		a.s.Log.Error("cameras for the NVR", zap.Error(err))
		return
	}
	c.Publish(protocol.Publication{Service: protocol.CameraDetector, Topic: protocol.TopicFrigateConfig,
		Payload: text})
}

// fault tells a fault, or that it is over, when that is new.
func (a *Actor) fault(c *actors.Context, code, text string) {
	if a.faults[code] == text {
		return
	}
	a.faults[code] = text
	c.Publish(protocol.Fault{Code: code, Text: text, Cleared: text == ""})
}

// reduce warns, once, of what looking around could not do.
func (a *Actor) reduce(why string) {
	if why == a.reduced {
		return
	}
	if a.reduced = why; why != "" {
		a.s.Log.Warn("cameras are looked for with less", zap.String("why", clip(why, 4*mostText)))
	}
}

var _ actors.Actor = (*Actor)(nil)
