package system

import (
	"fmt"
	"net"
	"time"

	"wildfire-watch/actors/camera"
	"wildfire-watch/protocol"
)

// Check looks at what ranges and single sections cannot say.
func (c Config) Check() (found []protocol.Mistake) {
	wrong := func(warning bool, key, allowed string, args ...any) {
		found = append(found, protocol.Mistake{Key: key, Warning: warning,
			Allowed: fmt.Sprintf(allowed, args...)})
	}
	for _, m := range c.Pump.CheckInputs(c.GPIO.Flow.Line.Fitted(), c.GPIO.LinePressure.Line.Fitted()) {
		m.Key = join("pump", m.Key)
		found = append(found, m)
	}
	for _, m := range c.Watchdog.CheckAgainst(c.GPIO.Deadman, c.Pump.IgnitionOff) {
		m.Key = join("watchdog", m.Key)
		found = append(found, m)
	}
	if c.MQTT.URL == "" && sameAddress(c.Broker.Listen, c.HTTP.Listen) {
		wrong(false, "http.listen", "another address than broker.listen")
	}
	if c.MQTT.URL == "" && (sameAddress(c.Broker.TLSListen, c.Broker.Listen) || sameAddress(c.Broker.TLSListen, c.HTTP.Listen)) {
		wrong(false, "broker.tls_listen", "another address than broker.listen and http.listen")
	}
	if c.Consensus.Threshold > c.Growth.MaxCameras {
		wrong(false, "consensus.threshold", "at most max_cameras (%d)", c.Growth.MaxCameras)
	}
	samples := 2 * c.Growth.Average
	if ask := c.Frigate.AskInterval; ask > 0 && time.Duration(samples)*ask > c.Growth.Window {
		wrong(true, "frigate.ask_interval",
			"at most %v: growth takes %d samples inside consensus.detection_window (%v)",
			c.Growth.Window/time.Duration(samples), samples, c.Growth.Window)
	}
	if h := c.Discovery.HealthCheckInterval; h > c.Growth.Timeout {
		wrong(true, "cameras.health_check_interval",
			"at most consensus.camera_timeout (%v): a camera that only answers checks goes offline between them",
			c.Growth.Timeout)
	}
	if c.Consensus.Cooldown >= c.Pump.FireOffDelay {
		wrong(true, "consensus.cooldown_period",
			"less than pump.fire_off_delay (%v), or the engine stops while it still burns",
			c.Pump.FireOffDelay)
	}
	return found
}

// sameAddress says whether two addresses cannot both be listened on. Port 0 is any free port.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || everywhere(hostA) || everywhere(hostB)
}

func everywhere(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// facts says what the settings come to, a sentence each.
func (c Config) facts() []string {
	p := c.Pump
	cameras := "cameras"
	if c.Consensus.Threshold == 1 {
		cameras = "camera"
	}
	all := []string{
		fmt.Sprintf("fire: %d %s must see it grow inside %v", c.Consensus.Threshold, cameras,
			spell(c.Growth.Window)),
		"smallest growth that is seen: " + tidy(camera.SmallestGrowth(c.Growth)),
		fmt.Sprintf("start-up: the main valve opens at once, the engine runs after %s%s",
			spell(p.StartUp()), c.latest()),
		fmt.Sprintf("longest run: %s of engine time; without a further trigger the engine stops "+
			"after %s", spell(p.MaxEngineRuntime), spell(p.FireOffDelay)),
		"longest refill: " + c.refill(),
	}
	return append(all, "board: "+c.board())
}

// board says what is driven.
func (c Config) board() string {
	chip := "the header of a Raspberry Pi"
	if c.GPIO.Chip != "" {
		chip = "chip " + c.GPIO.Chip
	}
	switch {
	case c.simulated():
		return "the simulator; nothing real is driven"
	case c.GPIO.Board == "auto":
		return chip + " if its lines can be had, else the simulator"
	}
	return "the lines of " + chip
}

// latest says how long starting may take where a feedback tells whether the engine runs.
func (c Config) latest() string {
	if !c.GPIO.EngineRunning.Line.Fitted() {
		return ""
	}
	p := c.Pump
	last := p.StartUp() + time.Duration(p.CrankAttempts-1)*(p.IgnitionStart+p.CrankRest)
	return fmt.Sprintf(", or after %d cranks and %s at the latest", p.CrankAttempts, spell(last))
}

func (c Config) refill() string {
	longest := c.Pump.LongestRefill()
	if longest == 0 {
		return "none, refill_multiplier is 0"
	}
	meanwhile := "a fire meanwhile is refused and remembered"
	if c.Pump.StartsInLockout() {
		meanwhile = "a fire meanwhile starts the pump"
	}
	end := ""
	if c.GPIO.ReservoirFloat.Line.Fitted() {
		end = fmt.Sprintf(", sooner when the float says full, %s if it never does",
			spell(2*longest))
	}
	return fmt.Sprintf("%s after the longest run%s; %s", spell(longest), end, meanwhile)
}
