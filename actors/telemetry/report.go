package telemetry

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// health is the payload of system/<service>/health: what every service says, then its own figures.
type health struct {
	Service   protocol.Service `json:"service"`
	Status    string           `json:"status"` // "online": it reports, so it lives
	Healthy   bool             `json:"healthy"`
	Timestamp float64          `json:"timestamp"` // Unix seconds
	Host      string           `json:"host"`
	Site      string           `json:"site,omitempty"`
	Boot      string           `json:"boot"`
	Version   string           `json:"version"`
	Uptime    float64          `json:"uptime"` // seconds
	Faults    []standingFault  `json:"faults,omitempty"`

	*cameraCount
	*detectorHealth
	*consensusHealth
	*triggerHealth
	*telemetryHealth
}

type standingFault struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// cameraCount stands by itself: JSON drops a name that two embedded structs have.
type cameraCount struct {
	Total  int `json:"cameras_total"`
	Online int `json:"cameras_online"`
}

type detectorHealth struct {
	Known   int      `json:"cameras_configured"`
	Offline []string `json:"cameras_offline,omitempty"` // the first 50
	*discoveryHealth
}

// discoveryHealth is left out while nobody looks for cameras.
type discoveryHealth struct {
	KnownIPs []string `json:"known_ips"`       // at most 1000, sorted
	Cycle    uint64   `json:"discovery_cycle"` // full scans begun
	Steady   bool     `json:"discovery_steady"`
	Found    int      `json:"cameras_discovered"`
	Answer   int      `json:"cameras_answering"` // of them
	Suspects int      `json:"suspects"`          // hosts that may be cameras and have not proved it
	Reduced  string   `json:"discovery_reduced,omitempty"`
	Hosts    int      `json:"scan_hosts"` // of the last full scan: addresses that answered, and asked
	Asked    int      `json:"scan_asked"`
	Took     float64  `json:"scan_took"` // seconds
	ARPTook  float64  `json:"scan_arp_took"`
	Skipped  []string `json:"scan_skipped,omitempty"`
}

func (l *ledger) discoveryHealth() *discoveryHealth {
	if !l.searched {
		return nil
	}
	d, last := l.discovery, l.discovery.Last
	ips := d.KnownIPs
	if ips == nil {
		ips = []string{}
	}
	return &discoveryHealth{KnownIPs: ips, Cycle: d.Cycle, Steady: d.Steady, Found: d.Known, Answer: d.Online,
		Suspects: d.Suspects, Reduced: d.Reduced, Hosts: last.Hosts, Asked: last.Asked,
		Took: last.Took.Seconds(), ARPTook: last.ARPTook.Seconds(), Skipped: last.Skipped}
}

type consensusHealth struct {
	Agreeing []string `json:"agreeing"`
	Cooldown float64  `json:"cooldown"` // seconds left
	Triggers int      `json:"trigger_count"`
	Accepted int      `json:"triggers_accepted"`
}

type triggerHealth struct {
	State     protocol.State       `json:"state"`
	Available bool                 `json:"gpio_available"`
	Refuses   string               `json:"refuses,omitempty"` // why a trigger would be refused now
	System    protocol.SystemState `json:"system_state"`
	Alarms    []protocol.Alarm     `json:"alarms"`
	// What the journal tells of the starts: how many, why the last one ended, how many in a row
	// failed, and whether this house starts nothing by itself because of it.
	Boots    uint64 `json:"boots"`
	LastStop string `json:"last_stop"`
	Failed   int    `json:"failed_starts"`
	SafeMode bool   `json:"safe_mode"`
}

type telemetryHealth struct {
	Mailboxes []mailbox     `json:"mailboxes"`
	Rejected  []rejectCount `json:"rejected"` // the 50 most frequent
	Events    uint64        `json:"events"`   // numbered since start
	Waiting   int           `json:"events_waiting"`
	Dropped   uint64        `json:"events_dropped"`
	Missed    uint64        `json:"publications_missed"`
	Faults    uint64        `json:"faults_total"`
}

type rejectCount struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// mailbox adds up the actors of one kind.
type mailbox struct {
	Kind      string  `json:"kind"`
	Actors    int     `json:"actors"`
	Depth     int     `json:"depth"`
	HighWater int     `json:"high_water"` // of the fullest
	Received  uint64  `json:"received"`
	Dropped   uint64  `json:"dropped"`
	Slowest   float64 `json:"slowest"` // seconds
}

func mailboxes(figures []actors.Figures) []mailbox {
	kinds := make(map[string]mailbox)
	for _, f := range figures {
		m := kinds[f.Kind]
		m.Kind = f.Kind
		m.Actors++
		m.Depth += f.Depth
		m.HighWater = max(m.HighWater, f.HighWater)
		m.Received += f.Received
		m.Dropped += f.Dropped
		m.Slowest = max(m.Slowest, f.Slowest.Seconds())
		kinds[f.Kind] = m
	}
	return slices.SortedFunc(maps.Values(kinds),
		func(a, b mailbox) int { return cmp.Compare(a.Kind, b.Kind) })
}

// report is a service's health now.
func (a *Actor) report(s protocol.Service, now, wall time.Time) health {
	l := &a.ledger
	h := health{Service: s, Status: "online", Timestamp: seconds(wall), Host: a.s.Host,
		Site: a.s.Site, Boot: a.s.Boot, Version: a.s.Version, Uptime: now.Sub(a.since).Seconds(),
		Faults: l.faultsOf(s)}
	h.Healthy = len(h.Faults) == 0 && !(a.s.Recovered.SafeMode && s != protocol.Telemetry)
	switch s {
	case protocol.CameraDetector:
		h.cameraCount = &cameraCount{len(l.cameras), l.online()}
		h.detectorHealth = &detectorHealth{a.s.Known, l.offline(), l.discoveryHealth()}
	case protocol.FireConsensus:
		c := l.consensus
		h.cameraCount = &cameraCount{c.Cameras, c.Online}
		h.consensusHealth = &consensusHealth{listed(c.Agreeing),
			max(0, c.CooldownUntil.Sub(now).Seconds()), c.Triggers, c.Accepted}
		if c.CooldownUntil.IsZero() {
			h.consensusHealth.Cooldown = 0
		}
	case protocol.GPIOTrigger:
		p := l.pump
		r := a.s.Recovered
		t := &triggerHealth{p.State, l.available, p.Refuses, p.System, p.System.Alarms, r.Boots,
			r.LastStop, r.Failed, r.SafeMode}
		t.System.Alarms = nil
		t.System.ActiveTimers = listed(t.System.ActiveTimers)
		if t.Alarms == nil {
			t.Alarms = []protocol.Alarm{}
		}
		h.triggerHealth = t
		h.Healthy = h.Healthy && l.heardPump && l.available && p.State != protocol.Error
	case protocol.Telemetry:
		t := &telemetryHealth{Mailboxes: mailboxes(a.s.Figures()), Rejected: l.worst(),
			Events: l.seq, Faults: l.seen}
		t.Waiting, t.Dropped, t.Missed = a.s.Queue()
		h.telemetryHealth = t
	}
	return h
}

func (h health) publication() protocol.Publication {
	payload, err := json.Marshal(h)
	if err != nil { // a figure that is no number: the rest is still worth saying
		h.detectorHealth, h.consensusHealth, h.triggerHealth, h.telemetryHealth = nil, nil, nil, nil
		h.Healthy = false
		payload, _ = json.Marshal(h)
	}
	return protocol.Publication{Service: h.Service, QoS: 1, Retained: true, Payload: payload,
		Topic: protocol.TopicOf(protocol.TopicHealth, string(h.Service))}
}

// listed is a list that is [] and not null in JSON, and not endless.
func listed(all []string) []string {
	if len(all) == 0 {
		return []string{}
	}
	return all[:min(len(all), maxListed)]
}

// seconds is Unix time; 0 for no time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
