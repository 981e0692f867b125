// Package homeassistant tells Home Assistant of the house: which entities there are, and how they are.
//
// It decides when: a change that counts is told within a second, what merely runs down every ten seconds,
// a change of the entities when it has settled. It promises that both messages are retained, are said anew
// when Home Assistant comes up, and are taken away where they are not wanted any more.
//
// It must never order anything: the buttons of Home Assistant publish to fire/emergency like everybody.
package homeassistant

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/homeassistant"
)

// The cadence. At most one state a second and one device message in deviceSpacing leave, whatever happens.
const (
	stateSpacing  = time.Second
	runsSpacing   = 10 * time.Second // where only what runs down has changed
	deviceSettle  = 3 * time.Second  // cameras come one by one at the start
	deviceSpacing = 30 * time.Second
	// birthDelay leaves Home Assistant time to set itself up.
	birthDelay = 2 * time.Second
)

// maxEver bounds the cameras that are remembered as told.
const maxEver = 2 * wire.MaxCameras

// Machine decides what is told and when.
type Machine struct {
	house wire.House // as it is now
	state wire.State
	seen  bool // there was an overview

	told       wire.House // as it was told last; no ID: never
	differs    time.Time  // since when house is not what was told; zero: it is
	deviceAt   time.Time  // when it was told last
	face, sent string     // of the state that was told last
	stateAt    time.Time
	again      time.Time // both are due anew then; zero: they are not
	ever       []string  // keys of cameras that were ever told, sorted
}

// NewMachine begins with what the configuration says of the house.
func NewMachine(house wire.House) *Machine { return &Machine{house: house} }

// Hear takes the newest overview.
func (m *Machine) Hear(o protocol.Overview, now time.Time) {
	m.seen, m.state = true, wire.StateOf(o)
	h := m.house
	h.Tank, h.Pressure = o.Pump.ReservoirFull != nil, o.Pump.LinePressureOK != nil
	_, h.Flow = o.Lines.Inputs["flow"]
	h.Cameras = make([]wire.Camera, 0, min(len(o.Cameras), wire.MaxCameras))
	h.Gone = slices.Clone(m.ever)
	for _, c := range o.Cameras[:min(len(o.Cameras), wire.MaxCameras)] {
		h.Cameras = append(h.Cameras, wire.Camera{Name: c.Name, Title: c.Title})
		key := wire.CameraKey(c.Name)
		h.Gone = slices.DeleteFunc(h.Gone, func(gone string) bool { return gone == key })
	}
	m.house = h
	switch {
	case same(h, m.told):
		m.differs = time.Time{}
	case m.differs.IsZero():
		m.differs = now
	}
}

func same(a, b wire.House) bool {
	return a.ID == b.ID && a.Tank == b.Tank && a.Pressure == b.Pressure && a.Flow == b.Flow &&
		slices.Equal(a.Cameras, b.Cameras) && slices.Equal(a.Gone, b.Gone)
}

// Born takes that Home Assistant has come up: what it forgot is told anew.
func (m *Machine) Born(now time.Time) {
	if m.again.IsZero() {
		m.again = now.Add(birthDelay)
	}
}

// Due says what is to be told now.
func (m *Machine) Due(now time.Time) (all []protocol.Publication) {
	if !m.seen {
		return nil
	}
	again := !m.again.IsZero() && !now.Before(m.again)
	if again {
		m.again = time.Time{}
	}
	if due := m.deviceDue(); again || !due.IsZero() && !now.Before(due) {
		m.told, m.differs, m.deviceAt = m.house, time.Time{}, now
		m.remember()
		all = append(all, device(m.house, m.house.Payload()))
	}
	if due := m.stateDue(); again || !due.IsZero() && !now.Before(due) {
		payload := m.state.Payload()
		m.face, m.sent, m.stateAt = m.state.Face(), string(payload), now
		all = append(all, state(payload))
	}
	return all
}

// remember keeps the cameras that were told. When there are too many, those that are gone go first.
func (m *Machine) remember() {
	var now []string
	for _, c := range m.house.Cameras {
		now = append(now, wire.CameraKey(c.Name))
	}
	for _, key := range m.ever {
		if len(now) < maxEver && !slices.Contains(now, key) {
			now = append(now, key)
		}
	}
	slices.Sort(now)
	m.ever = now
}

func (m *Machine) deviceDue() time.Time {
	if m.differs.IsZero() {
		return time.Time{}
	}
	due := m.differs.Add(deviceSettle)
	if next := m.deviceAt.Add(deviceSpacing); !m.deviceAt.IsZero() && next.After(due) {
		return next
	}
	return due
}

func (m *Machine) stateDue() time.Time {
	switch {
	case m.stateAt.IsZero(), m.state.Face() != m.face:
		return m.stateAt.Add(stateSpacing)
	case string(m.state.Payload()) != m.sent:
		return m.stateAt.Add(runsSpacing)
	}
	return time.Time{}
}

// Until is when something is due without being asked for; zero: never.
func (m *Machine) Until() (until time.Time) {
	if !m.seen {
		return until
	}
	for _, due := range []time.Time{m.again, m.deviceDue(), m.stateDue()} {
		if !due.IsZero() && (until.IsZero() || due.Before(until)) {
			until = due
		}
	}
	return until
}

// Removal takes away what an earlier start may have told.
func Removal(house wire.House) []protocol.Publication {
	return []protocol.Publication{device(house, nil), state(nil)}
}

func device(house wire.House, payload []byte) protocol.Publication {
	return protocol.Publication{Service: protocol.Telemetry, Topic: house.Topic(), Foreign: true, QoS: 1,
		Retained: true, Payload: payload}
}

func state(payload []byte) protocol.Publication {
	return protocol.Publication{Service: protocol.Telemetry, Topic: protocol.TopicState, QoS: 1,
		Retained: true, Payload: payload}
}
