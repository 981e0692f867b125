package protocol

// Wires is what a running house knows of its lines, for who looks at them from outside: the kernel
// tells a line's level to its holder alone.
type Wires struct {
	Board     string // hardware.Board.Describe: "simulator", "gpiochip0 [pinctrl-bcm2711]"
	Simulated bool
	Lines     LineReport
	Inputs    Inputs
}

// Each goes through the inputs by their [gpio] key, in the order of SPEC §3.
func (i Inputs) Each(f func(name string, s Sensor)) {
	f("reservoir_float", i.ReservoirFloat)
	f("line_pressure", i.LinePressure)
	f("flow", i.Flow)
	f("emergency_button", i.EmergencyButton)
	f("stop_button", i.StopButton)
	f("engine_running", i.EngineRunning)
}
