package command

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// said is what one command line printed and how it ended.
type said struct {
	code      int
	out, errs string
}

func run(t *testing.T, args ...string) said {
	t.Helper()
	if errDefaults != nil {
		t.Fatal(errDefaults)
	}
	var out, errs bytes.Buffer
	code := Main(args, defaults, &out, &errs)
	return said{code, out.String(), errs.String()}
}

// defaults are read before a test changes its folder.
var defaults, errDefaults = os.ReadFile(filepath.Join("..", "config.toml"))

// file writes a file of the test's own and names it.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVersionNamesProgramAndVersion(t *testing.T) {
	if got := run(t, "version"); got != (said{0, "wildfire-watch dev\n", ""}) {
		t.Errorf("%+v", got)
	}
}

func TestHelpOfEachCommandHasAnExampleOfIt(t *testing.T) {
	general := run(t, "--help")
	if general.code != 0 || general.errs != "" || !strings.Contains(general.out, "wildfire-watch demo") {
		t.Errorf("%+v", general)
	}
	for _, name := range []string{"run", "demo", "check", "replay", "record", "lines show", "lines test", "safe", "discover", "frigate-config", "version", "status",
		"events", "cameras", "alarms", "stop", "reset", "start", "valve", "reload"} {
		if !regexp.MustCompile(`(?m)^  ` + name + ` `).MatchString(general.out) {
			t.Errorf("--help does not name %s:\n%s", name, general.out)
		}
		own := run(t, append(strings.Fields(name), "--help")...)
		_, example, ok := strings.Cut(own.out, "Example:\n\n    wildfire-watch "+name)
		if own.code != 0 || own.errs != "" || !ok {
			t.Errorf("%s --help: code %d, no example of it: %s%s", name, own.code, own.out, own.errs)
		}
		// An example that the command line itself refuses would be worse than none.
		line, _, _ := strings.Cut(name+example, "\n")
		if again := run(t, append(strings.Fields(line), "--help")...); again.code != 0 {
			t.Errorf("the example of %s is refused: %s: %s", name, line, again.errs)
		}
	}
}

func TestAWrongCommandLineEndsWith2AndSaysWhereHelpIs(t *testing.T) {
	for line, why := range map[string]string{
		"--nope":             "unknown flag --nope",
		"bogus":              "unexpected argument bogus",
		"check --confg a":    "unknown flag --confg, did you mean \"--config\"?",
		"replay":             `expected "<file>"`,
		"record":             `expected "<file>"`,
		"replay a b":         "unexpected argument b",
		"version --config a": "unknown flag --config",
	} {
		want := said{2, "", "wildfire-watch: " + why + "\nwildfire-watch --help shows the commands\n"}
		if got := run(t, strings.Fields(line)...); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

func TestCheckSaysEveryMistakeAtOnceAndFails(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "[consensus]\nthreshold = 11\ndetection_windw = \"30s\"\n\n[pump]\nmax_engine_runtime = \"9h\"\n"
	if err := os.WriteFile("home.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, "check", "--config", "home.toml", "--set", "gpio.main_valve=true", "--set", "nonsense",
		"--set", "gpio.board=simulator")
	want := said{1, `This cannot be used:
  home.toml:2: consensus.threshold = 11: must be 1 to 10
  home.toml:3: consensus.detection_windw is not a key; did you mean consensus.detection_window?
  home.toml:6: pump.max_engine_runtime = "9h": must be 10ms to 4h
  --set nonsense is not section.key=value
  --set gpio.main_valve = true: must be a line of the simulator: 0 to 63 or "GPIO0" to "GPIO63"

home.toml: 5 mistakes; nothing starts with it.
`, ""}
	if got != want {
		t.Errorf("code %d, %q:\n%s", got.code, got.errs, got.out)
	}
}

func TestCheckOfTheDefaultsSaysWhatTheyMean(t *testing.T) {
	got := run(t, "check")
	for _, want := range []string{"the configuration: no mistakes, ready to use.\n",
		"fire: 2 cameras must see it grow inside 30s", "smallest growth that is seen", "the simulator; nothing real is driven"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in:\n%s", want, got.out)
		}
	}
	if got.code != 0 || got.errs != "" {
		t.Errorf("code %d, %q", got.code, got.errs)
	}
}

func TestACommandWithAWrongConfigurationDoesNothing(t *testing.T) {
	recording := filepath.Join(t.TempDir(), "new.jsonl")
	for _, args := range [][]string{{"run"}, {"replay", "does-not-matter.jsonl"}, {"record", recording}} {
		got := run(t, append(args, "--set", "consensus.threshold=0")...)
		if got.code != 1 || got.out != "" || !strings.Contains(got.errs, "consensus.threshold = 0: must be 1 to 10") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if _, err := os.Stat(recording); err == nil {
		t.Error("record made a file all the same")
	}
}

func TestAMissingConfigurationIsNamed(t *testing.T) {
	for _, args := range [][]string{{"check"}, {"run"}, {"replay", "x"}} {
		got := run(t, append(args, "--config", filepath.Join(t.TempDir(), "none.toml"))...)
		if got.code != 1 || !strings.Contains(got.out+got.errs, "none.toml: no such file or directory") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
