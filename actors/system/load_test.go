package system

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// toy is a configuration of every kind of field, so that the loader is proven apart from what the
// actors want to know.
type toy struct {
	Pump  toyPump  `key:"pump"`
	Names toyNames `key:"cameras"`
	Fire  toyFire  `key:"consensus"`
	Grow  toyGrow  `key:"consensus"`
	Board toyBoard `key:"gpio"`
}

type toyPump struct {
	Delay  time.Duration `key:"pre_open_delay" range:"0.5s..60s"`
	Run    time.Duration `key:"max_engine_runtime" range:"60s..4h"`
	Refill float64       `key:"refill_multiplier" range:"0..200"`
	Mode   string        `key:"fire_in_lockout" oneof:"refuse|start"`
	Lead   time.Duration `key:"rpm_reduction_lead" range:"0.."`
}

func (p toyPump) Check() []protocol.Mistake {
	if p.Lead >= p.Run {
		return []protocol.Mistake{{Key: "rpm_reduction_lead", Allowed: "less than pump.max_engine_runtime"}}
	}
	return nil
}

type toyNames struct {
	Scan  time.Duration       `key:"discovery_interval" range:"30s..24h"`
	Known map[string]toyKnown `key:"*"`
}

type toyKnown struct {
	Detect  string   `key:"detect" len:"0..12"`
	Aliases []string `key:"aliases" len:"0..3"`
}

type toyFire struct {
	Threshold int                 `key:"threshold" range:"1..10"`
	Labels    []string            `key:"labels" len:"1..8"`
	Zones     map[string][]string `key:"zone_mapping"`
	Activate  bool                `key:"zone_activation"`
}

type toyGrow struct {
	Labels []string      `key:"labels"`
	Ratio  float64       `key:"area_increase_ratio" range:"1..5"`
	Hold   time.Duration `key:"growth_hold" range:"0..120s"`
}

type toyBoard struct {
	Board string `key:"board" oneof:"auto|simulator"`
	Main  int    `key:"main_valve" range:"0..63"`
}

func (t *toy) simulated() bool { return t.Board.Board == "simulator" }

func (t *toy) Check() []protocol.Mistake {
	if t.Board.Main == 13 && t.Fire.Threshold == 3 {
		return []protocol.Mistake{{Key: "gpio.main_valve", Allowed: "another line", Warning: true}}
	}
	return nil
}

const toyDefaults = `
[pump]
pre_open_delay = "2s"
max_engine_runtime = "1800s"
refill_multiplier = 40
fire_in_lockout = "refuse"
rpm_reduction_lead = "15s"
[cameras]
discovery_interval = "300s"
[consensus]
threshold = 2
labels = ["fire", "smoke"]
zone_mapping = {}
zone_activation = false
area_increase_ratio = 1.2
growth_hold = "10s"
[gpio]
board = "auto"
main_valve = 18
`

type failer interface {
	Helper()
	Fatal(...any)
}

// told lays a text over the toy's defaults and returns what is wrong, a line each.
func told(t failer, text string, sets ...string) (c toy, lines []string) {
	t.Helper()
	all, err := load(&c, []byte(toyDefaults), "my.toml", []byte(text), sets)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		lines = append(lines, Line(m))
	}
	return c, lines
}

func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	const timeHint = ` ("500ms", "30s", "10m", "2h"; a bare number is seconds)`
	for _, x := range []struct{ name, text, want string }{
		{"out of range", "[pump]\nmax_engine_runtime = \"9h\"",
			`my.toml:2: pump.max_engine_runtime = "9h": must be 60s to 4h`},
		{"below range", "[pump]\n\npre_open_delay = 0.4", `my.toml:3: pump.pre_open_delay = 0.4: must be 0.5s to 60s`},
		{"negative", "pump.rpm_reduction_lead = \"-1s\"",
			`my.toml:1: pump.rpm_reduction_lead = "-1s": must be at least 0`},
		{"not a time", "[pump]\npre_open_delay = \"2 minutes\"",
			`my.toml:2: pump.pre_open_delay = "2 minutes": must be 0.5s to 60s` + timeHint},
		{"a time that is a list", "[pump]\npre_open_delay = [2]",
			`my.toml:2: pump.pre_open_delay = [2]: must be 0.5s to 60s` + timeHint},
		{"a time that is no finite number", "[pump]\npre_open_delay = inf",
			`my.toml:2: pump.pre_open_delay = inf: must be 0.5s to 60s` + timeHint},
		{"a time beyond all times", "[pump]\npre_open_delay = 1e300",
			`my.toml:2: pump.pre_open_delay = 1e300: must be 0.5s to 60s` + timeHint},
		{"not a number", "[consensus]\narea_increase_ratio = nan",
			`my.toml:2: consensus.area_increase_ratio = nan: must be a number, 1 to 5`},
		{"number in quotes", "[consensus]\nthreshold = \"2\"",
			`my.toml:2: consensus.threshold = "2": must be a whole number, 1 to 10`},
		{"part of a camera", "[consensus]\nthreshold = 1.5",
			`my.toml:2: consensus.threshold = 1.5: must be a whole number, 1 to 10`},
		{"too many digits", "[consensus]\nthreshold = 99999999999999999999",
			`my.toml:2: consensus.threshold = 99999999999999999999: must be a whole number, 1 to 10`},
		{"not a word of the list", "[pump]\nfire_in_lockout = \"Refuse\"",
			`my.toml:2: pump.fire_in_lockout = "Refuse": must be "refuse" or "start"`},
		{"word without quotes", "[pump]\nfire_in_lockout = true",
			`my.toml:2: pump.fire_in_lockout = true: must be a text in quotes, "refuse" or "start"`},
		{"not true or false", "[consensus]\nzone_activation = 1",
			`my.toml:2: consensus.zone_activation = 1: must be true or false`},
		{"not a list", "[consensus]\nlabels = \"fire\"",
			`my.toml:2: consensus.labels = "fire": must be a list of texts, ["one", "two"], 1 to 8 entries`},
		{"list of numbers", "[consensus]\nlabels = [\"fire\", 3]",
			`my.toml:2: consensus.labels = ["fire", 3]: must be a list of texts, ["one", "two"], 1 to 8 entries`},
		{"empty list", "[consensus]\nlabels = []", `my.toml:2: consensus.labels = []: must be 1 to 8 entries`},
		{"long text", "[cameras.north]\ndetect = \"1280x7200000000\"",
			`my.toml:2: cameras.north.detect = "1280x7200000000": must be at most 12 characters`},
		{"control character", "[cameras.north]\ndetect = \"a\\nb\"",
			`my.toml:2: cameras.north.detect = "a\nb": must be a text in quotes, at most 12 characters`},
		{"not a table", "[consensus]\nzone_mapping = [\"a\"]",
			`my.toml:2: consensus.zone_mapping = ["a"]: must be a table of lists, { north = ["one", "two"] }`},
		{"unknown key", "[consensus]\ntreshold = 2",
			`my.toml:2: consensus.treshold is not a key; did you mean consensus.threshold?`},
		{"key of another section", "[gpio]\nmax_engine_runtime = 60",
			`my.toml:2: gpio.max_engine_runtime is not a key; did you mean pump.max_engine_runtime?`},
		{"key like nothing", "[gpio]\nzzz = 60", `my.toml:2: gpio.zzz is not a key`},
		{"unknown key of a camera", "[cameras.\"the north\"]\nalias = []",
			`my.toml:2: cameras."the north".alias is not a key; did you mean cameras."the north".aliases?`},
		{"camera that is no table", "[cameras]\nnorth = 3", `my.toml:2: cameras.north is not a key`},
		{"unknown section", "[pumps]\nx = 1", `my.toml:1: pumps is no section; did you mean [pump]?`},
		{"key before any section", "threshold = 3",
			`my.toml:1: threshold is no key outside of a section; did you mean consensus.threshold?`},
		{"section given a value", "pump = 3", `my.toml:1: pump = 3: is a section: write [pump], its keys below it`},
		{"double brackets", "[[pump]]\npre_open_delay = 2",
			`my.toml:1: pump is written in double brackets: write [pump]`},
		{"key twice", "[consensus]\nthreshold = 2\nthreshold = 3",
			`my.toml:3: consensus.threshold = 3: was set before, on line 2`},
		{"section twice", "[pump]\n[gpio]\n[pump]\npre_open_delay = 3",
			`my.toml:3: pump is a section that began before, on line 1`},
		{"value as a section", "[gpio]\nmain_valve = 3\n[gpio.main_valve]\nx=1",
			`my.toml:3: gpio.main_valve was given a value before, and cannot be a section`},
		{"no value", "[gpio]\nmain_valve =",
			"my.toml:2: main_valve =: cannot be read: expected value, not end of input"},
		{"not UTF-8", "[gpio]\n# \xff", "my.toml:2: this is not text: byte 0xff is not UTF-8"},
		{"cross-check in a section", "[pump]\nrpm_reduction_lead = \"30m\"",
			`my.toml:2: pump.rpm_reduction_lead = "30m": must be less than pump.max_engine_runtime`},
		{"cross-check with a default", "[pump]\nmax_engine_runtime = 60\nrpm_reduction_lead = 61",
			`my.toml:3: pump.rpm_reduction_lead = 61: must be less than pump.max_engine_runtime`},
		{"warning", "[gpio]\nmain_valve = 13\n[consensus]\nthreshold = 3", `my.toml:2: gpio.main_valve = 13: should be another line`},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, lines := told(t, x.text)
			if len(lines) != 1 || lines[0] != x.want {
				t.Errorf("got  %s\nwant %s", strings.Join(lines, "\n     "), x.want)
			}
		})
	}
}

func TestAllMistakesAreToldAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, lines := told(t, (`
[pump
pre_open_delay = 1
[consensus]
threshold = = 3
area_increase_ratio = 9
labels = ["fire",
  oh no
]
growth_hold = "5m"
threshold = 3
[gpio]
main_valve = 13
board = "banana"
`), "gpio.main_valv=3", "pump.max_engine_runtime=1s", "nonsense")
	got := strings.Join(lines, "\n")
	want := `my.toml:2: [pump: cannot be read: expected ']' to close table name
my.toml:5: threshold = = 3: cannot be read: unexpected character U+003D '=' at start of value
my.toml:6: consensus.area_increase_ratio = 9: must be 1 to 5
my.toml:8: oh no: cannot be read: unexpected character U+006F 'o' at start of value
my.toml:10: consensus.growth_hold = "5m": must be 0 to 120s
my.toml:14: gpio.board = "banana": must be "auto" or "simulator"
default pump.rpm_reduction_lead = "15s": must be less than pump.max_engine_runtime
--set gpio.main_valv is not a key; did you mean gpio.main_valve?
--set nonsense is not section.key=value
--set pump.max_engine_runtime = 1s: must be 60s to 4h
my.toml:13: gpio.main_valve = 13: should be another line`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestACheckedKeyThatStandsInNoFileIsNamedAsDefault(t *testing.T) {
	_, lines := told(t, "", "gpio.board=simulator", "pump.max_engine_runtime=1s")
	want := `default pump.rpm_reduction_lead = "15s": must be less than pump.max_engine_runtime`
	if len(lines) != 1 || lines[0] != want {
		t.Errorf("got %q, want %q", lines, want)
	}
}

func TestOnTheSimulatorEveryTimeMayBeTenMilliseconds(t *testing.T) {
	c, lines := told(t, "", "gpio.board=simulator", "pump.pre_open_delay=10ms", "consensus.growth_hold=0")
	if len(lines) != 0 || c.Pump.Delay != 10*time.Millisecond || c.Grow.Hold != 0 {
		t.Errorf("%v %+v", lines, c)
	}
	_, lines = told(t, "", "gpio.board=simulator", "pump.pre_open_delay=9ms")
	if want := `--set pump.pre_open_delay = 9ms: must be 10ms to 60s`; len(lines) != 1 || lines[0] != want {
		t.Errorf("got %q, want %q", lines, want)
	}
	if _, lines = told(t, "", "pump.pre_open_delay=10ms"); len(lines) != 1 {
		t.Errorf("on another board: %v", lines)
	}
}

func TestTheUsersFileLiesOverTheDefaultsAndSetOverBoth(t *testing.T) {
	c, lines := told(t, ("\xef\xbb\xbf[pump]\r\nmax_engine_runtime = \"20m\" # less\r\n" +
		"pre_open_delay = 3\r\n[cameras.north]\r\ndetect = \"1x1\"\r\naliases = ['cam1']\r\n" +
		"[consensus.zone_mapping]\r\nnorth = [\"roof\"]\r\n"),
		"pump.pre_open_delay=4.5", "cameras.north.detect=640x480", "consensus.zone_mapping.south=a, b")
	want := toy{
		Pump: toyPump{Delay: 4500 * time.Millisecond, Run: 20 * time.Minute, Refill: 40, Mode: "refuse",
			Lead: 15 * time.Second},
		Names: toyNames{5 * time.Minute, map[string]toyKnown{"north": {"640x480", []string{"cam1"}}}},
		Fire: toyFire{Threshold: 2, Labels: []string{"fire", "smoke"},
			Zones: map[string][]string{"north": {"roof"}, "south": {"a", "b"}}},
		Grow:  toyGrow{[]string{"fire", "smoke"}, 1.2, 10 * time.Second},
		Board: toyBoard{"auto", 18},
	}
	if len(lines) != 0 || !reflect.DeepEqual(c, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", lines, c, want)
	}
}

func TestSetReachesEveryKindOfKey(t *testing.T) {
	for _, x := range []struct {
		set  string
		want func(*toy)
	}{
		{"consensus.labels=fire,smoke , ember", func(c *toy) {
			c.Fire.Labels = []string{"fire", "smoke", "ember"}
			c.Grow.Labels = c.Fire.Labels
		}},
		{`consensus.labels=["a,b", 'c']`, func(c *toy) {
			c.Fire.Labels = []string{"a,b", "c"}
			c.Grow.Labels = c.Fire.Labels
		}},
		{`consensus.zone_mapping={north=["a"]}`, func(c *toy) { c.Fire.Zones["north"] = []string{"a"} }},
		{`consensus.zone_mapping."the north"=a`, func(c *toy) { c.Fire.Zones["the north"] = []string{"a"} }},
		{"consensus.zone_activation=true", func(c *toy) { c.Fire.Activate = true }},
		{"pump.max_engine_runtime=90", func(c *toy) { c.Pump.Run = 90 * time.Second }},
		{`pump.max_engine_runtime="90s"`, func(c *toy) { c.Pump.Run = 90 * time.Second }},
		{"pump.fire_in_lockout=start", func(c *toy) { c.Pump.Mode = "start" }},
		{"pump.refill_multiplier = 1_00.5", func(c *toy) { c.Pump.Refill = 100.5 }},
		{"gpio.main_valve=0x10", func(c *toy) { c.Board.Main = 16 }},
		{"cameras.north.detect=[1]", func(c *toy) {
			c.Names.Known = map[string]toyKnown{"north": {Detect: "[1]"}}
		}},
		{`cameras.north={detect="1x1", aliases=["a=b"]}`, func(c *toy) {
			c.Names.Known = map[string]toyKnown{"north": {"1x1", []string{"a=b"}}}
		}},
		{`cameras."a=b".aliases=x,y`, func(c *toy) {
			c.Names.Known = map[string]toyKnown{"a=b": {Aliases: []string{"x", "y"}}}
		}},
	} {
		t.Run(x.set, func(t *testing.T) {
			want, _ := told(t, "")
			x.want(&want)
			got, lines := told(t, "", x.set)
			if len(lines) != 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", lines, got, want)
			}
		})
	}
}

func TestAFileThatCannotBeReadSaysWhy(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.toml")
	if err := os.WriteFile(big, make([]byte, mostBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.toml"): "read configuration " + dir + "/none.toml: no such file or directory",
		dir:                             "read configuration " + dir + ": it is not a regular file",
		"/dev/null":                     "read configuration /dev/null: it is not a regular file",
		big:                             "read configuration " + big + ": it is larger than 1 MiB",
	} {
		if _, _, err := Load(nil, file, nil); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", file, err, want)
		}
	}
}

func TestBrokenDefaultsAreAnErrorOfOurs(t *testing.T) {
	_, err := load(&toy{}, []byte("[pump]\nx = 1"), "", nil, nil)
	if want := "read built-in config.toml:2: pump.x is not a key"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRubbishIsToldInBoundedTimeAndLength(t *testing.T) {
	text := strings.Repeat("abcdefgh = 1\n[x]\n=\n", mostBytes/20)
	start := time.Now()
	_, lines := told(t, text)
	if len(lines) > mostMistakes+1 || time.Since(start) > 5*time.Second {
		t.Errorf("%d lines in %s", len(lines), time.Since(start))
	}
	if last := lines[len(lines)-1]; last != "more than 100 mistakes: correct these first" {
		t.Errorf("last line: %s", last)
	}
}

func TestALoginInAnAddressIsNeverPrinted(t *testing.T) {
	_, lines := told(t, ("[pump]\nfire_in_lockout = \"tcp://user:secret@host\"\npre_open_delay = \"user:secret@host\"\nurl = \"ssl://a:secret@b"))
	if text := strings.Join(lines, "\n"); strings.Contains(text, "secret") || len(lines) != 3 {
		t.Errorf("%s", text)
	}
}
