package command

import (
	"maps"
	"slices"
	"strings"
	"time"

	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/camera"
	"wildfire-watch/actors/consensus"
	"wildfire-watch/actors/frigate"
	"wildfire-watch/actors/system"
	"wildfire-watch/protocol"
)

// rehearsal decides over a recording what the house would have decided: the same machines, fed one
// message at a time, on the recording's own time. It starts nothing, waits for nothing and gives the
// same answer each time. The pump is taken to accept every trigger at once.
type rehearsal struct {
	config    system.Config
	decoder   *bridge.Decoder
	frigate   *frigate.Machine
	registry  *camera.Registry
	cameras   map[string]*camera.Machine
	said      map[string]protocol.CameraVerdict
	roll      *consensus.Roll
	consensus consensus.Machine
	rules     consensus.Rules
	now       time.Time
	began     time.Time
	tell      func(finding)
	sum       findings
}

// finding is one line of the answer.
type finding struct {
	Time    time.Time `json:"time"`
	Seconds float64   `json:"seconds"` // since the recording's first message
	Kind    string    `json:"kind"`    // "verdict", "trigger", "asked from outside"
	Camera  string    `json:"camera,omitempty"`
	Online  bool      `json:"online,omitempty"`
	Growing bool      `json:"growing,omitempty"`
	Steady  bool      `json:"steady,omitempty"`
	Objects []string  `json:"objects,omitempty"`
	Cameras []string  `json:"cameras,omitempty"`
	Trigger uint64    `json:"trigger,omitempty"`
	Text    string    `json:"text,omitempty"`
}

// findings close the answer.
type findings struct {
	Kind       string             `json:"kind"` // "summary"
	Messages   int                `json:"messages"`
	Unread     int                `json:"unread"` // lines that are no message
	Elsewhere  int                `json:"other_topics"`
	Detections int                `json:"detections"`
	Rejected   map[string]int     `json:"rejected"`
	Length     float64            `json:"seconds"`
	Cameras    int                `json:"cameras"`
	Growth     map[string]float64 `json:"first_growth_seconds"`
	Triggers   int                `json:"triggers"`
	First      *float64           `json:"first_trigger_seconds"`
}

func newRehearsal(c system.Config, tell func(finding)) *rehearsal {
	r := &rehearsal{config: c, tell: tell, cameras: map[string]*camera.Machine{}, said: map[string]protocol.CameraVerdict{},
		registry: camera.NewRegistry(c.Growth, c.Cameras.Known), roll: consensus.NewRoll(),
		rules: consensus.Rules{Config: c.Consensus, FireOffDelay: c.Pump.FireOffDelay},
		sum:   findings{Kind: "summary", Rejected: map[string]int{}, Growth: map[string]float64{}}}
	r.frigate = frigate.NewMachine(frigate.RulesOf(system.FrigateSettings(c)))
	r.decoder = bridge.NewDecoder(bridge.Settings{Config: c.MQTT, FrigatePrefix: c.Frigate.TopicPrefix,
		DetectSize: system.DetectSize(c), Publish: r.hear})
	return r
}

// take lets time pass up to the message, then the message arrive.
func (r *rehearsal) take(m recorded) {
	if r.began.IsZero() {
		r.began, r.now = m.At, m.At
	}
	r.passUntil(m.At)
	r.now = m.At
	r.sum.Messages++
	if !r.decoder.Take(m.Topic, m.Payload, m.Retained, r.now, r.now) {
		r.sum.Elsewhere++
	}
}

// end lets everything expire that the recording left open.
func (r *rehearsal) end() findings {
	r.sum.Length = r.seconds()
	r.passUntil(r.now.Add(r.config.Growth.Window + r.config.Growth.Timeout + r.config.Growth.Skew))
	r.sum.Cameras = len(r.cameras)
	return r.sum
}

func (r *rehearsal) seconds() float64 { return r.now.Sub(r.began).Seconds() }

// passUntil wakes every machine at its own deadlines, in the order of time.
func (r *rehearsal) passUntil(end time.Time) {
	for {
		next := r.deadline()
		if next.IsZero() || next.After(end) {
			return
		}
		if next.Before(r.now) {
			next = r.now
		}
		r.now = next
		r.hearAll(r.frigate.Step(frigate.Woke{}, r.now))
		for _, name := range slices.Sorted(maps.Keys(r.cameras)) {
			r.judge(name)
		}
		r.decide(nil)
		if again := r.deadline(); !again.IsZero() && !again.After(r.now) {
			r.now = r.now.Add(time.Nanosecond) // a machine that wants to be woken now had its turn
		}
	}
}

func (r *rehearsal) deadline() (next time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	sooner(r.frigate.Until())
	for _, m := range r.cameras {
		sooner(m.Until(r.now))
	}
	sooner(r.consensus.Until(r.rules, r.now))
	return next
}

func (r *rehearsal) hearAll(messages []any) {
	for _, msg := range slices.Clone(messages) {
		r.hear(msg)
	}
}

// hear is the house's routes, for those who decide.
func (r *rehearsal) hear(msg any) {
	switch m := msg.(type) {
	case protocol.Incoming:
		r.hearAll(r.frigate.Read(m, r.now))
	case protocol.Detected:
		r.detected(m)
	case protocol.CameraHeard:
		if name, ok := r.registry.Canonical(m.Camera); ok {
			r.machine(name).Heard(m.Arrived, r.now)
			r.judge(name)
		}
	case protocol.Rejected:
		r.sum.Rejected[strings.TrimSpace(m.Source+" "+m.Reason)]++
	case protocol.TriggerRequested:
		r.tell(r.finding("asked", "a trigger on fire/trigger"))
	case protocol.Command:
		r.tell(r.finding("asked", "a command on fire/emergency: "+m.Action.String()))
	}
}

func (r *rehearsal) detected(d protocol.Detected) {
	name, ok := r.registry.Canonical(d.Camera)
	if !ok || r.cameras[name] == nil && !r.config.Growth.Counts(&d) {
		return
	}
	r.sum.Detections++
	d.Camera = name
	r.machine(name).Detected(d, r.now)
	r.judge(name)
}

func (r *rehearsal) machine(name string) *camera.Machine {
	m := r.cameras[name]
	if m == nil {
		m = camera.New(r.config.Growth, name, r.now)
		r.cameras[name] = m
	}
	return m
}

// judge asks a camera for its verdict and hands a changed one to consensus.
func (r *rehearsal) judge(name string) {
	v := r.cameras[name].Verdict(r.now)
	was, known := r.said[name]
	if known && v.Online == was.Online && v.Growing == was.Growing && v.Steady == was.Steady && slices.Equal(v.Objects, was.Objects) {
		return
	}
	r.said[name] = v
	if v.Online != was.Online || v.Growing != was.Growing || v.Steady != was.Steady {
		f := r.finding("verdict", "")
		f.Camera, f.Online, f.Growing, f.Steady, f.Objects = name, v.Online, v.Growing, v.Steady, v.Objects
		r.tell(f)
	}
	if _, grew := r.sum.Growth[name]; v.Growing && !grew {
		r.sum.Growth[name] = r.seconds()
	}
	r.roll.Note(v)
	r.decide(r.roll.Counts)
}

// decide steps consensus; a trigger is accepted at once and becomes the cameras' base line.
func (r *rehearsal) decide(in consensus.Input) {
	m, fire := consensus.Step(r.rules, r.consensus, in, r.now)
	r.consensus = m
	if !fire {
		return
	}
	cameras, fires := r.roll.Agreeing(m.SteadyCounts(r.rules, r.now))
	f := r.finding("trigger", "")
	f.Cameras, f.Trigger = cameras, m.Sent
	r.tell(f)
	r.sum.Triggers++
	if r.sum.First == nil {
		first := r.seconds()
		r.sum.First = &first
	}
	confirmed := protocol.FireConfirmed{ID: m.Sent, At: r.now, Wall: r.now, Cameras: cameras, Fires: fires, Count: int(m.Sent)}
	outcome := protocol.TriggerOutcome{ID: m.Sent, Accepted: true, At: r.now}
	for _, c := range r.cameras {
		c.Confirmed(confirmed, r.now)
		c.Answered(outcome, r.now)
	}
	r.decide(outcome)
}

func (r *rehearsal) finding(kind, text string) finding {
	return finding{Time: r.now, Seconds: r.seconds(), Kind: kind, Text: text}
}
