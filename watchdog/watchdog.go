// Package watchdog passes the pump's signs of life on to whoever restarts what shows none: systemd
// (READY, STATUS, WATCHDOG, STOPPING) and, where there is no systemd, the kernel's watchdog device.
//
// It promises:
//   - no call of it blocks: it may be made by the pump, by the gpio actor and in a trip. What is
//     said is carried out by goroutines of its own, one for systemd, one for the device, so that
//     neither can hold up the other;
//   - a watchdog is fed by signs of life alone, never by a clock: when pump or gpio actor hang, no
//     sign comes and the watchdog bites. The one exception is bounded: while a trip or an orderly
//     stop gives the stop pulse, which no actor outlives, the device is fed for as long as was said;
//   - READY=1 is said once, and not before every output was proven inactive. Until then systemd is
//     asked for patience, sign of life by sign of life: a house whose read-back is in doubt still
//     watches, tells its trouble and obeys its buttons, and is not restarted for ever because of it.
//     One that hangs meanwhile asks no more, and is restarted.
//
// It must never feed a watchdog for a process that drives no pump, and never disarm one but at an
// orderly end.
package watchdog

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// Watchdog is the watch over this process.
type Watchdog struct {
	log    *zap.Logger
	notify *notifier // nil: no systemd
	device *keeper   // nil: no device
	once   sync.Once

	mu      sync.Mutex // guards trouble and tell
	trouble string
	tell    func(text string)
}

// Start begins the watch. It asks systemd's environment (NOTIFY_SOCKET, WATCHDOG_USEC,
// WATCHDOG_PID) and opens the device. A device that cannot be had is the error; the Watchdog works
// all the same, without it: the house must run. A Watchdog that watches nothing is fine too.
//
// From Start on the device counts: the first Alive must come within its timeout.
func Start(c Config, log *zap.Logger) (*Watchdog, error) {
	return start(c, log, os.Getenv("NOTIFY_SOCKET") != "",
		func(state string) error { _, err := daemon.SdNotify(false, state); return err }, openDevice)
}

func start(c Config, log *zap.Logger, systemd bool, send func(state string) error,
	open func(path string) (device, error)) (*Watchdog, error) {
	if log == nil {
		log = zap.NewNop()
	}
	w := &Watchdog{log: log}
	within := time.Duration(0)
	if systemd {
		var err error
		if within, err = daemon.SdWatchdogEnabled(false); err != nil {
			log.Warn("systemd's watchdog is not fed", zap.Error(err))
			within = 0
		}
		w.notify = newNotifier(send, within, log)
	}
	if c.Device == "" {
		log.Info("watchdogs", zap.Bool("systemd", systemd), zap.Duration("systemd_watchdog", within),
			zap.String("device", "none"))
		return w, nil
	}
	if within > 0 {
		log.Warn("both systemd's watchdog and watchdog.device are on: whichever misses signs of " +
			"life first acts; systemd restarts the program, the device resets the machine")
	}
	d, err := open(c.Device)
	if err != nil {
		return w, w.fail(err)
	}
	got, err := d.arm(c.Timeout)
	if err != nil {
		_ = d.disarm()
		return w, w.fail(fmt.Errorf("set the timeout of %s: %w", c.Device, err))
	}
	w.device = newKeeper(d, got, func(err error) {
		if err == nil {
			w.told("")
			return
		}
		_ = w.fail(fmt.Errorf("feed %s: %w", c.Device, err))
	})
	log.Info("watchdogs", zap.Bool("systemd", systemd), zap.Duration("systemd_watchdog", within),
		zap.String("device", c.Device), zap.Duration("device_timeout", got))
	return w, w.shorter(c, got)
}

// shorter is the trouble with a device that keeps another time than it was told.
func (w *Watchdog) shorter(c Config, got time.Duration) error {
	if got == whole(c.Timeout) {
		return nil
	}
	return w.fail(fmt.Errorf("%s keeps %v, not %v: set watchdog.timeout to what it can keep",
		c.Device, got, c.Timeout))
}

func (w *Watchdog) fail(err error) error {
	w.log.Warn("watchdog device", zap.Error(err))
	w.told(err.Error())
	return err
}

func (w *Watchdog) told(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text == w.trouble {
		return
	}
	w.trouble = text
	if w.tell != nil {
		w.tell(text)
	}
}

// OnTrouble names who is told of trouble with the device, at once if there is some, and with an
// empty text when it is over. tell must not block.
func (w *Watchdog) OnTrouble(tell func(text string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell = tell
	if w.trouble != "" {
		tell(w.trouble)
	}
}

// Safe says that every output was proven inactive: the house is ready. Later calls do nothing.
func (w *Watchdog) Safe() {
	if w.notify != nil {
		w.notify.say(func(p *pending) { p.ready = true })
	}
}

// Alive is a sign of life: pump and gpio actor have answered one another just now.
func (w *Watchdog) Alive() {
	if w.notify != nil {
		now := time.Now()
		w.notify.say(func(p *pending) { p.alive = now })
	}
	if w.device != nil {
		w.device.alive()
	}
}

// Status is one line in plain words for `systemctl status`. A text that was said last is not said
// again.
func (w *Watchdog) Status(text string) {
	if w.notify != nil {
		w.notify.say(func(p *pending) { p.status = oneLine(text) })
	}
}

// Stopping says that the process ends, orderly or in a trip, and needs at most within for it.
// Signs of life may end now: systemd's watchdog is off while a unit stops, and the device is fed for
// so long and no longer.
func (w *Watchdog) Stopping(within time.Duration) {
	if w.notify != nil {
		w.notify.say(func(p *pending) {
			if p.stopping == 0 {
				p.stopping = within
			}
		})
	}
	if w.device != nil {
		w.device.hold(within)
	}
}

// closeLimit is how long Close waits for last words.
const closeLimit = 200 * time.Millisecond

// Close ends the watch, within closeLimit. Only an orderly end disarms the device; after any other
// the machine is reset unless the next process comes in time.
func (w *Watchdog) Close(orderly bool) {
	w.once.Do(func() {
		if w.notify != nil {
			w.notify.close(closeLimit)
		}
		if w.device != nil {
			w.device.close(orderly, closeLimit)
		}
	})
}
