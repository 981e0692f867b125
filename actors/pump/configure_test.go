package pump

import (
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

// offer sends other settings and returns the answer; "silence" if there is none.
func (b *bench) offer(wanted bool, change func(*Configured)) string {
	d := defaults()
	m := Configured{Config: d.Config, VerifyTimeout: d.VerifyTimeout, VerifyGrace: d.VerifyGrace}
	change(&m)
	answer := "silence"
	m.Wanted = func() bool { return wanted }
	m.Reply = func(refused string) { answer = refused }
	b.mu.Lock()
	b.ref.Send(m)
	b.mu.Unlock()
	synctest.Wait()
	return answer
}

func TestOtherSettingsAreTakenInIdleAlone(t *testing.T) {
	longer := func(m *Configured) { m.Config.PreOpenDelay = 7 * time.Second }
	inBubble(t, func(s *Settings) { s.Config.RefillMultiplier, s.Config.ValveCloseDelay = 0, 10*time.Second }, func(b *bench) {
		if got := b.offer(false, longer); got != "silence" {
			t.Errorf("settings that nobody wants any more: %q", got)
		}
		b.send(protocol.Command{Action: protocol.CommandValveOpen, Arrived: time.Now(), Wall: time.Now()})
		if got := b.offer(true, longer); got != "the main valve is held open by hand" {
			t.Errorf("with an open valve: %q", got)
		}
		b.wait(11 * time.Second)
		if got := b.offer(true, longer); got != "" {
			t.Errorf("in IDLE: %q", got)
		}
		b.send(protocol.FireConfirmed{ID: 1})
		if got := b.offer(true, func(m *Configured) { m.Config.PreOpenDelay = time.Second }); got != "the pump is in PRIMING, not in IDLE" {
			t.Errorf("in PRIMING: %q", got)
		}
		b.wait(6900 * time.Millisecond)
		b.must(!b.lines().Has(protocol.IgnitionStart), "cranked before the new pre_open_delay: %v", b.lines())
		b.wait(200 * time.Millisecond)
		b.must(b.lines().Has(protocol.IgnitionStart), "not cranked after it: %v", b.lines())
	})
}

// TestEveryStateButIdleRefusesSettings walks all phases.
func TestEveryStateButIdleRefusesSettings(t *testing.T) {
	for phase := range rows {
		m := Machine{Phase: Phase(phase)}
		if why := m.Rests(); (why == "") != (m.State() == protocol.Idle) {
			t.Errorf("%v: %q", m.State(), why)
		}
	}
	for _, m := range []Machine{{Ending: true}, {RunOpen: true}, {ValveLeft: 1}} {
		if m.Rests() == "" {
			t.Errorf("%+v takes settings", m)
		}
	}
}
