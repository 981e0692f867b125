package stream

import (
	"context"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/rtsp"
)

// Check asks whether a known camera is alive: it is if it gives any well-formed answer in time. An
// answer that is no video is a problem all the same, and whoever asks again and again decides what it
// means. A login goes out once, if the camera asks for one. Order.Time bounds all of it; zero: 10 s.
func Check(ctx context.Context, o protocol.CheckOrder) protocol.Checked {
	c := protocol.Checked{Key: o.Key, Generation: o.Generation, IP: o.IP}
	if o.Time <= 0 {
		o.Time = wait
	}
	ctx, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	u, err := rtsp.ParseURL(o.Stream.URL)
	if err == nil {
		u, err = u.At(o.IP)
	}
	if err != nil {
		c.Problem, c.At = "check a stream: "+err.Error(), time.Now()
		return c
	}
	t := newTalk(ctx, u.Host(), u.Port(), newRing(o.Login))
	defer t.close()
	d := t.describe(u)
	c.At = time.Now()
	c.Alive, c.Refused, c.Problem = d.Status > 0, d.Outcome == LoginWrong, d.Problem
	if d.Outcome == WantsLogin && o.Login == (protocol.Login{}) {
		c.Problem = "" // nothing else could be expected without a login
	}
	if o.Frames && d.Outcome == Video {
		w := t.watch(d, watchSpan, watchMost)
		c.Frames, c.Problem = w.packets, w.problem
	}
	return c
}
