package watchdog

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// pending is what systemd is to be told next. Newer words replace older ones, so it never grows.
type pending struct {
	ready    bool
	status   string
	alive    time.Time     // the newest sign of life; zero: none since it was passed on
	stopping time.Duration // the process ends within this; 0: it does not
}

// notifier tells systemd, from a goroutine of its own: systemd may hang.
type notifier struct {
	send   func(state string) error
	within time.Duration // WatchdogSec; 0: systemd's watchdog is off
	log    *zap.Logger

	mu   sync.Mutex // guards next
	next pending
	news chan struct{} // of size one: there is something to say
	end  chan struct{}
	done chan struct{}

	// Of the goroutine alone:
	isReady, isStopping bool
	status              string
	fed                 time.Time
	failing             bool
}

func newNotifier(send func(string) error, within time.Duration, log *zap.Logger) *notifier {
	n := &notifier{send: send, within: within, log: log, news: make(chan struct{}, 1),
		end: make(chan struct{}), done: make(chan struct{})}
	go n.run()
	return n
}

// say notes what is to be said; it never waits for systemd.
func (n *notifier) say(note func(*pending)) {
	n.mu.Lock()
	note(&n.next)
	n.mu.Unlock()
	select {
	case n.news <- struct{}{}:
	default: // it is about to look
	}
}

func (n *notifier) run() {
	defer close(n.done)
	for {
		select {
		case <-n.news:
			n.pass()
		case <-n.end:
			n.pass() // the last words
			return
		}
	}
}

// pass makes one datagram of what is pending.
func (n *notifier) pass() {
	n.mu.Lock()
	p := n.next
	n.next.alive = time.Time{}
	n.mu.Unlock()
	state := n.words(p, time.Now())
	if state == "" {
		return
	}
	err := n.send(state)
	if failing := err != nil; failing != n.failing {
		n.failing = failing
		if failing {
			n.log.Warn("systemd is not told", zap.Error(err))
		}
	}
	if err != nil { // said again with the next news
		n.isReady, n.isStopping, n.status, n.fed = false, false, "", time.Time{}
	}
}

// The pace of signs of life: a third of what systemd waits for, so that one may be lost.
const (
	feedShare = 3
	// patience is asked of systemd with each sign of life while the outputs are not proven safe. It
	// is more than the dead-man and the guard need to end a process that hangs.
	patience   = 30 * time.Second
	askAgain   = 5 * time.Second
	extraTime  = 2 * time.Second // beyond what a stop was said to need
	staleAfter = time.Second     // a sign of life that waited so long for systemd is none any more
)

// words is what to tell systemd of p now; empty: nothing new.
func (n *notifier) words(p pending, now time.Time) string {
	var all []string
	if p.status != n.status {
		n.status = p.status
		all = append(all, "STATUS="+p.status)
	}
	alive := !p.alive.IsZero() && now.Sub(p.alive) < staleAfter
	switch {
	case p.stopping > 0:
		if !n.isStopping {
			n.isStopping = true
			all = append(all, daemon.SdNotifyStopping, extend(p.stopping+extraTime))
		}
	case p.ready:
		if !n.isReady {
			n.isReady, n.fed = true, time.Time{}
			all = append(all, daemon.SdNotifyReady)
		}
		if alive && n.within > 0 && now.Sub(n.fed) >= n.within/feedShare {
			n.fed = now
			all = append(all, daemon.SdNotifyWatchdog)
		}
	case alive && now.Sub(n.fed) >= askAgain:
		n.fed = now
		all = append(all, extend(patience))
	}
	return strings.Join(all, "\n")
}

func extend(d time.Duration) string { return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()) }

// close says the last words, at most for limit.
func (n *notifier) close(limit time.Duration) {
	close(n.end)
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-n.done:
	case <-t.C:
	}
}

// oneLine is a text without what would begin another field of a notification.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
