package system

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestWhatCheckSaysOfSettingsThatDoNotFit: one --set or two, one line of the report.
func TestWhatCheckSaysOfSettingsThatDoNotFit(t *testing.T) {
	for _, x := range []struct {
		sets string
		want string
	}{
		{"pump.max_engine_runtime=9h", `--set pump.max_engine_runtime = 9h: must be 10ms to 4h`},
		{"pump.crank_attempts=13", `--set pump.crank_attempts = 13: must be 1 to 12`},
		{"pump.fire_in_lockout=start", `--set pump.fire_in_lockout = start: must be "refuse" unless gpio.flow or ` +
			`gpio.line_pressure is configured: without one nothing sees the pump run dry`},
		{"pump.rpm_reduction_lead=30m", `--set pump.rpm_reduction_lead = 30m: must be less than max_engine_runtime (30m)`},
		{"pump.max_engine_runtime=300 pump.fire_off_delay=290 consensus.cooldown_period=10",
			`--set pump.max_engine_runtime = 300: should be at least twice the start-up with priming (3m7s)`},
		{"pump.valve_close_delay=4s", `--set pump.valve_close_delay = 4s: should be at least ignition_off_duration (5s): ` +
			`a valve shut on an engine that runs down strains the pump`},
		{"pump.refill_multiplier=49", `--set pump.refill_multiplier = 49: should be such that the longest run owes at ` +
			`most a day of refill, not 24h30m`},
		{"gpio.flow=18", `--set gpio.flow = 18: is the line of main_valve already`},
		{"gpio.rpm_reduce_feedback=27", `--set gpio.rpm_reduce_feedback = 27: is the line of rpm_reduce already`},
		{"gpio.flow=GPIO18", `--set gpio.flow = GPIO18: is the line of main_valve already`},
		{"gpio.main_valve=-1", `--set gpio.main_valve = -1: must be a line: every output needs one`},
		{"gpio.main_valve=64", `--set gpio.main_valve = 64: must be a line of the simulator: 0 to 63 or "GPIO0" to "GPIO63"`},
		{"gpio.flow=WET", `--set gpio.flow = WET: must be a line of the simulator: 0 to 63 or "GPIO0" to "GPIO63"`},
		{"gpio.flow=1024", `--set gpio.flow = 1024: must be a line: its number, 0 to 1023, or its name in quotes; -1 is none`},
		{"gpio.flow=true", `--set gpio.flow = true: must be a line of the simulator: 0 to 63 or "GPIO0" to "GPIO63"`},
		{"gpio.flow_bias=up", `--set gpio.flow_bias = up: must be "as-is", "disabled", "pull-up" or "pull-down"`},
		{"gpio.flow_biass=up", `--set gpio.flow_biass is not a key; did you mean gpio.flow_bias?`},
		{"gpio.board=real", `--set gpio.board = real: must be "auto", "simulator" or "gpiocdev"`},
		{"gpio.board=simulator gpio.chip=gpiochip0", `--set gpio.chip = gpiochip0: means nothing to the simulator: with ` +
			`board = "simulator" no real line is driven`},
		{"simulator.stick=24", `--set simulator.stick = 24: must be LINE:LEVEL, several separated by commas, LINE 0 to 63 ` +
			`and LEVEL 0 or 1: "24:1"`},
		{"http.listen=127.0.0.1:1883", `--set http.listen = 127.0.0.1:1883: must be another address than broker.listen`},
		{"http.users=anna:operator:hash", `--set http.users = (hidden): entry 1 (anna) has a hash that is no hash, ` +
			`$argon2id$… or $2b$…; an entry is "name:role:hash", wildfire-watch password makes the hash`},
		{"http.listen=0.0.0.0:80", `--set http.listen = 0.0.0.0:80: is reached from other machines, so the page stays ` +
			`closed without http.users, and http.cert_file with http.key_file; set them, or listen on 127.0.0.1`},
		{"http.listen=8080", `--set http.listen = 8080: must be host:port with a port from 0 to 65535, such as ` +
			`"127.0.0.1:8080", or empty`},
		{"http.listen=:80800", `--set http.listen = :80800: must be host:port with a port from 0 to 65535, such as ` +
			`"127.0.0.1:8080", or empty`},
		{"broker.listen=0.0.0.0:0", `--set broker.listen = 0.0.0.0:0: is open to the network without TLS, which is not ` +
			`done: the broker listens on 127.0.0.1 alone; other machines come by broker.tls_listen, with a login (docs/security.md)`},
		{"broker.tls_listen=0.0.0.0:0", `--set broker.tls_listen = 0.0.0.0:0: must be empty while cert_file and key_file ` +
			`are: wildfire-watch certs makes them`},
		{"broker.users=anna:operator:hunter2hunter2", `--set broker.users = (hidden): entry 1 gives anna no hash that can be used: ` +
			`it is no hash, $argon2id$… or $2b$…; wildfire-watch password makes one, and no password belongs into this file`},
		{"consensus.threshold=3 consensus.max_cameras=2",
			`--set consensus.threshold = 3: must be at most max_cameras (2)`},
		{"consensus.threshold=0", `--set consensus.threshold = 0: must be 1 to 10`},
		{"consensus.min_area_ratio=0.9", `--set consensus.min_area_ratio = 0.9: must be below max_area_ratio (0.8)`},
		{"consensus.labels=", `--set consensus.labels = []: must be at least one label: without one nothing is fire`},
		{"consensus.cooldown_period=1800", `--set consensus.cooldown_period = 1800: should be less than ` +
			`pump.fire_off_delay (30m), or the engine stops while it still burns`},
		{"frigate.ask_interval=10", `--set frigate.ask_interval = 10: should be at most 5s: growth takes 6 samples inside ` +
			`consensus.detection_window (30s)`},
		{"mqtt.url=http://me:secret@host", `--set mqtt.url = http://…@host: must be tcp://host:port or ssl://host:port, or ` +
			`empty for the embedded broker`},
		{`cameras."the north".mac=12`, `--set cameras."the north".mac = 12: must be six bytes, as "aa:bb:cc:dd:ee:ff"`},
		{"cameras.ports=554,8554", ``},
		{"cameras.ports=[554,8554]", ``},
		{"cameras.ports=rtsp", `--set cameras.ports = ["rtsp"]: must be a list of whole numbers, [554, 8554], 1 to 64 entries`},
		{"cameras.ports=554", ``},
		{"cameras.ports=0", `--set cameras.ports = ["0"]: must be ports of 1 to 65535`},
		{"cameras.ports=[]", `--set cameras.ports = []: must be 1 to 64 entries`},
		{"cameras.network=10.0.5.1/24", `--set cameras.network = ["10.0.5.1/24"]: must be the subnet itself: 10.0.5.0/24`},
		{"cameras.arp_rate=0", `--set cameras.arp_rate = 0: must be 1 to 10000`},
		{"cameras.discoveri=false", `--set cameras.discoveri is not a key; did you mean cameras.discovery?`},
		{"cameras.health_check_interval=90", `--set cameras.health_check_interval = 90: should be at most ` +
			`consensus.camera_timeout (1m): a camera that only answers checks goes offline between them`},
		{"cameras.credentials_file=/nowhere/logins", `--set cameras.credentials_file = /nowhere/logins: cannot be read ` +
			`(no such file or directory): cameras that want a login are not reached`},
		{"log.pump=loud", `--set log.pump = loud: must be empty, "debug", "info", "warn" or "error"`},
		{"journal.dir=", `--set journal.dir = "": must be 1 to 4000 characters`},
		{"pump.max_runtime=5", `--set pump.max_runtime is not a key; did you mean pump.max_engine_runtime?`},
		{"pump.max_runtim=5", `--set pump.max_runtim is not a key; did you mean pump.max_engine_runtime?`},
		{"pumps.max_engine_runtime=5", `--set pumps is no section; did you mean [pump]?`},
		{"pump=5", `--set pump = 5: is a section: write [pump], its keys below it`},
	} {
		t.Run(x.sets, func(t *testing.T) {
			sets := append([]string{"gpio.board=simulator"}, strings.Split(x.sets, " ")...)
			if strings.Contains(x.sets, `"the north"`) {
				sets = []string{x.sets}
			}
			_, all, err := Load(defaults(t), "", sets)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, m := range all {
				lines = append(lines, Line(m))
			}
			if strings.Join(lines, "\n") != x.want {
				t.Errorf("got  %s\nwant %s", strings.Join(lines, "\n     "), x.want)
			}
		})
	}
}

func TestEveryKeyOfTheConfigurationIsReachedBySet(t *testing.T) {
	var empty Config
	s := schemaOf(&empty)
	s.fields(func(key string, f field) {
		var m mistakes
		d := decoder{schema: schemaOf(&Config{}), places: make(map[string]*node), mistakes: &m}
		d.lay(read("", defaults(t), &m))
		written := d.places[key].String()
		d.places[key] = nil
		d.set(key + "=" + written)
		if len(m.all) > 0 || d.places[key] == nil {
			t.Errorf("--set %s=%s: %v", key, written, m.all)
		}
	})
}

func TestTheReportIsReadByPeople(t *testing.T) {
	_, all, err := Load(defaults(t), "", []string{"pump.max_engine_runtime=9h", "gpio.flow=18", "gpio.flwo=18",
		"pump.valve_close_delay=0", "consensus.cooldown_period=3600"})
	if err != nil {
		t.Fatal(err)
	}
	want := `This cannot be used:
  --set gpio.flwo is not a key; did you mean gpio.flow?
  --set pump.max_engine_runtime = 9h: must be 60s to 4h
  --set gpio.flow = 18: is the line of main_valve already

This is used, but makes little sense:
  --set pump.valve_close_delay = 0: should be at least ignition_off_duration (5s): a valve shut on
      an engine that runs down strains the pump
  --set consensus.cooldown_period = 3600: should be less than pump.fire_off_delay (30m), or the
      engine stops while it still burns

my.toml: 3 mistakes and 2 warnings; nothing starts with it.
`
	got := Report("my.toml", all)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(line) > reportWidth+1 {
			t.Errorf("wider than %d: %s", reportWidth, line)
		}
	}
}

func TestACleanReportSaysSo(t *testing.T) {
	if got, want := Report("", nil), "the configuration: no mistakes, ready to use.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheMeaningOfTheDefaults(t *testing.T) {
	c, _, err := Load(defaults(t), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `What these settings mean:
  fire: 2 cameras must see it grow inside 30s
  smallest growth that is seen: area x2.07 a minute (x1.2 in 15s, for 10s without a break)
  start-up: the main valve opens at once, the engine runs after 7s
  longest run: 30m of engine time; without a further trigger the engine stops after 30m
  longest refill: 20h after the longest run; a fire meanwhile is refused and remembered
  board: the header of a Raspberry Pi if its lines can be had, else the simulator
`
	if got := c.Meaning(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c, _, _ = Load(defaults(t), "", []string{"gpio.board=simulator", "gpio.engine_running=5", "gpio.reservoir_float=6", "gpio.flow=12",
		"pump.fire_in_lockout=start", "consensus.threshold=1"})
	want = `What these settings mean:
  fire: 1 camera must see it grow inside 30s
  smallest growth that is seen: area x2.07 a minute (x1.2 in 15s, for 10s without a break)
  start-up: the main valve opens at once, the engine runs after 7s, or after 6 cranks and 1m47s at
      the latest
  longest run: 30m of engine time; without a further trigger the engine stops after 30m
  longest refill: 20h after the longest run, sooner when the float says full, 40h if it never does;
      a fire meanwhile starts the pump
  board: the simulator; nothing real is driven
`
	if got := c.Meaning(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheMeaningNamesTheBoard(t *testing.T) {
	for sets, want := range map[string]string{
		"gpio.board=simulator":                         "the simulator; nothing real is driven",
		"gpio.board=gpiocdev":                          "the lines of the header of a Raspberry Pi",
		"gpio.board=gpiocdev gpio.chip=/dev/gpiochip1": "the lines of chip /dev/gpiochip1",
		"gpio.board=auto gpio.chip=relays":             "chip relays if its lines can be had, else the simulator",
	} {
		c, _, err := Load(defaults(t), "", strings.Split(sets, " "))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Meaning(); !strings.HasSuffix(got, "  board: "+want+"\n") {
			t.Errorf("%s: %s", sets, got)
		}
	}
}

func TestTheWiringTableNamesEveryLine(t *testing.T) {
	got, err := Wiring(defaults(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `main_valve` | output | 18 | 12 | ", "| `ignition_off` | output | 25 | 22 | ",
		"| `stop_button` | input | – | – | ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n"); n < 2+7+6 {
		t.Errorf("%d lines:\n%s", n, got)
	}
}
