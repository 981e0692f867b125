package telemetry

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"wildfire-watch/protocol"
)

// Bounds of what is counted.
const (
	maxReasons = 200
	maxFaults  = 100
	maxListed  = 50
	maxCameras = 20_000
	// other is what everything beyond maxReasons is counted as.
	other = "other"
)

// rejection names a kind of refused input.
type rejection struct{ Source, Reason string }

// ledger is what telemetry knows: pure bookkeeping.
type ledger struct {
	seq       uint64
	available bool // the board can be written and read
	pump      protocol.PumpStatus
	heardPump bool
	consensus protocol.ConsensusStatus
	cameras   map[string]bool // online
	discovery protocol.DiscoveryStatus
	searched  bool // discovery has said something
	links     map[protocol.Service]bool
	rejects   map[rejection]uint64
	unsaid    map[rejection]uint64 // since the log last told
	faults    map[string]string    // code → text, until cleared
	seen      uint64               // faults ever
}

func newLedger() ledger {
	return ledger{cameras: make(map[string]bool), links: make(map[protocol.Service]bool),
		rejects: make(map[rejection]uint64), unsaid: make(map[rejection]uint64),
		faults: make(map[string]string)}
}

// number makes the next event of what occurred.
func (l *ledger) number(o protocol.Occurred, host, boot string) protocol.Event {
	l.seq++
	e := protocol.Event{Action: o.Action, Host: host, Boot: boot, Seq: l.seq, Reason: o.Reason,
		Details: o.Details, GPIOAvailable: l.available, Timestamp: seconds(o.At)}
	if e.System = l.pump.System; o.System != nil {
		e.System = *o.System
	}
	if e.System.ActiveTimers == nil {
		e.System.ActiveTimers = []string{}
	}
	return e
}

// reject counts refused input; first says that its kind is new.
func (l *ledger) reject(r protocol.Rejected) (kind rejection, first bool) {
	kind = rejection{r.Source, r.Reason}
	count := uint64(max(r.Count, 1))
	if _, known := l.rejects[kind]; !known {
		if first = len(l.rejects) < maxReasons; !first {
			kind = rejection{other, other}
		}
	}
	l.rejects[kind] += count
	if !first {
		l.unsaid[kind] += count
	}
	return kind, first
}

// fault notes or clears a fault; changed says that there is news.
func (l *ledger) fault(f protocol.Fault) (changed bool) {
	text, standing := l.faults[f.Code]
	switch {
	case f.Cleared:
		delete(l.faults, f.Code)
		return standing
	case !standing && len(l.faults) >= maxFaults:
		return false
	}
	l.faults[f.Code] = f.Text
	if !standing {
		l.seen++
	}
	return !standing || text != f.Text
}

func (l *ledger) verdict(v protocol.CameraVerdict) {
	if v.Gone {
		delete(l.cameras, v.Camera)
		return
	}
	if _, known := l.cameras[v.Camera]; known || len(l.cameras) < maxCameras {
		l.cameras[v.Camera] = v.Online
	}
}

func (l *ledger) online() (n int) {
	for _, online := range l.cameras {
		if online {
			n++
		}
	}
	return n
}

// offline lists cameras that are known and not heard of.
func (l *ledger) offline() []string {
	var names []string
	for name, online := range l.cameras {
		if !online {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[:min(len(names), maxListed)]
}

// safeMode is a fault of everybody who watches or acts: they are not there, or do nothing by
// themselves.
const safeMode = "safe_mode"

// owners says whose health a fault is: the first prefix of its code that fits.
var owners = []struct {
	prefix  string
	service protocol.Service
}{
	{"broker_subscription_camera_detector", protocol.CameraDetector},
	{"broker_subscription_fire_consensus", protocol.FireConsensus},
	{"broker_subscription_gpio_trigger", protocol.GPIOTrigger},
	{"gpio", protocol.GPIOTrigger},
	{"pump", protocol.GPIOTrigger},
	{"hardware", protocol.GPIOTrigger},
	{"board", protocol.GPIOTrigger},
	{"guard", protocol.GPIOTrigger},
	{"watchdog", protocol.GPIOTrigger},
	{safeMode, protocol.GPIOTrigger},
	{"frigate", protocol.CameraDetector},
	{"camera", protocol.CameraDetector},
	{"discovery", protocol.CameraDetector},
	{"consensus", protocol.FireConsensus},
}

func owner(code string) protocol.Service {
	for _, o := range owners {
		if strings.HasPrefix(code, o.prefix) {
			return o.service
		}
	}
	return protocol.Telemetry
}

// faultsOf lists a service's standing faults, by code.
func (l *ledger) faultsOf(s protocol.Service) (all []standingFault) {
	for _, code := range slices.Sorted(maps.Keys(l.faults)) {
		if owner(code) == s || code == safeMode && s != protocol.Telemetry {
			all = append(all, standingFault{code, l.faults[code]})
		}
	}
	return all
}

// worst lists the kinds of refused input by count.
func (l *ledger) worst() (all []rejectCount) {
	for kind, n := range l.rejects {
		all = append(all, rejectCount{kind.Source, kind.Reason, n})
	}
	slices.SortFunc(all, func(a, b rejectCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Reason, b.Reason))
	})
	return all[:min(len(all), maxListed)]
}
