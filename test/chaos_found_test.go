package test

// short is a configuration with a sequence of seconds.
const short = "set pump.cooldown_duration=10s pump.crank_attempts=3 pump.crank_rest=3s " +
	"pump.fire_off_delay=200s pump.ignition_off_duration=4s pump.ignition_start_duration=2s " +
	"pump.max_engine_runtime=100s pump.pre_open_delay=1s pump.pressure_check_delay=10s " +
	"pump.priming_duration=20s pump.refill_multiplier=2 pump.valve_close_delay=15s " +
	"consensus.cooldown_period=20s gpio.verify_timeout=3s gpio.verify_grace=1s simulator.catch_after=500ms"

// chaosFound are histories that once broke an invariant, shortened: a name and a script.
var chaosFound = []string{`
# a pulse that the board refuses has stopped nothing
` + short + `
start
trigger
until RUNNING 1m
board deaf
wait 20s
board well
wait 20s`, `
# a stop at a board that is deaf is a full pulse when it hears again
` + short + `
start
trigger
until RUNNING 1m
board deaf
command stop
wait 2500ms
board well
wait 20s`, `
# a process that ends at a deaf board leaves the pulse to the next
` + short + `
start
trigger
until RUNNING 1m
board deaf
wait 20s
restart
wait 20s`, `
# a run is resumed although its trigger had outlived processes before the first crank
` + short + `
start
trigger
crash
restart
wait 20s
crash
wait 20s
crash`, `
# a trigger refused in the last second of a process is told
` + short + `
start
trigger
until RUNNING 1m
fire north east grows
wait 31s
restart`, `
# a trigger refused while an old run might be resumed is not forgotten with it
set pump.max_engine_runtime=40s pump.fire_off_delay=60s pump.ignition_off_duration=4s pump.refill_multiplier=0 pump.valve_close_delay=15s pump.pre_open_delay=1s pump.ignition_start_duration=2s pump.rpm_reduction_lead=10s
start
trigger
wait 43s
restart
trigger
wait 200s`,
}
