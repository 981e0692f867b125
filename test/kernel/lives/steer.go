package lives

import (
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/gpiosim"
)

// Steer does one deed now and then, mostly one that leads to a state, sometimes any.
func (a *Appliance) Steer(target protocol.State) {
	l, now := a.life, gpiosim.Now()
	state, held, heard := a.told()
	if !heard || now-l.guarded < 200*time.Millisecond || now < l.next {
		return
	}
	l.next = now + 80*time.Millisecond + time.Duration(a.Rand.IntN(250))*time.Millisecond
	if a.Rand.IntN(25) == 0 {
		a.Do(a.pick("trigger", "start", "stop", "reset", "valve_open", "valve_close", "no pressure", "pressure"))
		return
	}
	switch {
	case held && target != protocol.Idle:
		a.Do("reset")
	case state == protocol.Error && target != protocol.Error:
		a.Do("valve free")
		a.Do("reset")
	default:
		a.lead(state, target)
	}
}

func (a *Appliance) pick(words ...string) string { return words[a.Rand.IntN(len(words))] }

// lead leads to a state.
func (a *Appliance) lead(state, target protocol.State) {
	wet := target == protocol.Running || target == protocol.ReducingRPM || target == protocol.Starting ||
		target == protocol.Priming
	turns := state == protocol.Running || state == protocol.ReducingRPM
	switch {
	case target == protocol.Error && !a.jammed:
		a.Do("valve jammed")
	case target != protocol.Error && a.jammed:
		a.Do("valve free")
	case wet && a.dry:
		a.Do("pressure")
	case turns && target == protocol.Stopping && a.Rand.IntN(2) == 0, turns && target == protocol.Idle:
		a.Do("stop")
	case turns && !wet && target != protocol.Error && !a.dry:
		a.Do("no pressure")
	case target == protocol.Idle:
	case state == protocol.Idle || state == protocol.Cooldown:
		a.Do(a.pick("trigger", "trigger", "start"))
	case state == protocol.Refilling && target != protocol.Cooldown:
		a.Do(a.pick("trigger", "start", "start"))
	case wet && (state == protocol.Stopping || state == protocol.LowPressure):
		a.Do(a.pick("trigger", "start", "pressure", "pressure"))
	}
}
