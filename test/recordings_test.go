//go:build recordings

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// This suite replays what the real Frigate, by release, would have published of known scenes. It needs
// a folder of such recordings, <scene>.<release>.<events|polled…>.jsonl[.gz], that RECORDINGS names;
// make recordings runs it. It also prints README.md's table of them.

func init() {
	printed["recordings"] = recordingsTable
}

// scenes are what the recordings show, in the order of the table.
var scenes = []struct {
	name, what string
	fire       bool
}{
	{"fire-ultrafast", "fire, 2 % of the frame after 75 s", true},
	{"fire-fast", "fire, 2 % of the frame after 150 s", true},
	{"fire-fast-lownoise", "the same, seen by a steady detector", true},
	{"fire-fast-two-cameras", "the same, seen by two cameras", true},
	{"fire-medium", "fire, 2 % of the frame after 300 s", true},
	{"fire-medium-nomotion", "the same, motion in 3 % of the frames", true},
	{"fire-slow", "fire, 2 % of the frame after 600 s", true},
	{"smoke-slow", "far smoke, 0.2 to 2.2 % of the frame in 20 min", true},
	{"nemo-", "real smoke from mountain cameras, twelve clips", true},
	{"flame-steady", "flame that flickers and does not grow", false},
	{"sun-glare", "glare that appears and stays", false},
	{"sun-glare-creeping", "glare that grows by 80 % in 10 min", false},
	{"headlights", "eight cars, each 6 s, area times 16", false},
	{"reflection-flicker", "reflection, there a third of the time, wild size", false},
}

// falseAlarms are the recordings without a fire in which a single camera sees one nonetheless, by the
// settings: they are why threshold is 2. The list is exact: a new one fails, a cured one too.
var falseAlarms = map[string][]string{
	"threshold 1": {"flame-steady.0.12.0.events", "reflection-flicker.0.15.2.polled",
		"reflection-flicker.0.16.0.polled", "reflection-flicker.0.17.0.polled"},
	"threshold 1, events alone": {"flame-steady.0.12.0.events"},
}

// suites are the settings that are replayed: one camera's word is enough, which is harder to hold against false
// alarms than the default of two.
var suites = map[string][]string{
	"defaults":                  nil,
	"threshold 1":               {"consensus.threshold=1"},
	"threshold 1, events alone": append([]string{"consensus.threshold=1"}, eventsAlone...),
}

// tape is one recording.
type tape struct{ file, scene, release, kind string }

var tapeName = regexp.MustCompile(`^(.+?)\.(\d+\.\d+)(\.\d+)\.(events|polled|polled-part|all-topics)\.jsonl(\.gz)?$`)

func (r tape) String() string {
	name := strings.TrimSuffix(filepath.Base(r.file), ".gz")
	return strings.TrimSuffix(name, ".jsonl")
}

// tapes are the recordings, found once.
func tapes() (found []tape, err error) {
	dir := os.Getenv("RECORDINGS")
	if dir == "" {
		return nil, fmt.Errorf("RECORDINGS names no folder of recordings; run this suite with make recordings")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		m := tapeName.FindStringSubmatch(filepath.Base(file))
		if m == nil {
			return nil, fmt.Errorf("%s is not named <scene>.<release>.<kind>.jsonl", file)
		}
		found = append(found, tape{file, m[1], m[2], m[4]})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("RECORDINGS=%s: no recordings there", dir)
	}
	return found, nil
}

// sceneOf is the index of a recording's scene in scenes, or -1.
func sceneOf(name string) int {
	return slices.IndexFunc(scenes, func(s struct {
		name, what string
		fire       bool
	}) bool {
		return s.name == name || strings.HasSuffix(s.name, "-") && strings.HasPrefix(name, s.name)
	})
}

// firsts remembers the first trigger of a recording by the settings, so that tests and table replay
// each only once.
var firsts = map[string]*float64{}

// first is the second of the first trigger, counted from the first message; nil: none.
func first(r tape, suite string) (*float64, error) {
	key := suite + " " + r.file
	if f, known := firsts[key]; known {
		return f, nil
	}
	start := time.Now()
	_, sum, err := replayed(r.file, suites[suite]...)
	if err == nil && sum.Unread != 0 {
		err = fmt.Errorf("%s: %d lines unread", r, sum.Unread)
	}
	if err != nil {
		return nil, err
	}
	pace.messages += sum.Count
	pace.took += time.Since(start)
	firsts[key] = sum.First
	return sum.First, nil
}

// finds says whether the settings would have started the pump.
func finds(t *testing.T, r tape, suite string) bool {
	t.Helper()
	f, err := first(r, suite)
	if err != nil {
		t.Fatal(err)
	}
	return f != nil
}

// pace is how much was replayed, starts of the program included.
var pace struct {
	messages int
	took     time.Duration
}

func all(t *testing.T) []tape {
	t.Helper()
	found, err := tapes()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found {
		if sceneOf(r.scene) < 0 {
			t.Errorf("%s: nobody says what this scene shows", r)
		}
	}
	return found
}

func TestRecordingsAreAllThere(t *testing.T) {
	have := map[int][]string{}
	for _, r := range all(t) {
		have[sceneOf(r.scene)] = append(have[sceneOf(r.scene)], r.release+" "+r.kind)
	}
	for i, s := range scenes {
		for _, want := range []string{"0.12 events", "0.14 events", "0.15 events", "0.16 events", "0.17 events", "0.16 polled"} {
			if !slices.Contains(have[i], want) {
				t.Errorf("%s: no recording %s", s.name, want)
			}
		}
	}
}

// TestRecordingsFiresAreFoundWithAnswers holds every fire and smoke, release by release, where Frigate
// is asked once a second.
func TestRecordingsFiresAreFoundWithAnswers(t *testing.T) {
	for _, r := range all(t) {
		i := sceneOf(r.scene)
		if i < 0 || !scenes[i].fire || r.kind == "events" {
			continue
		}
		if !finds(t, r, "threshold 1") {
			t.Errorf("%s: the fire was not found", r)
		}
		if r.scene == "fire-fast-two-cameras" && !finds(t, r, "defaults") {
			t.Errorf("%s: two cameras did not agree", r)
		}
	}
	t.Logf("replayed %d messages in %v: %.0f messages/s, each start of the program included",
		pace.messages, pace.took.Round(time.Millisecond), float64(pace.messages)/pace.took.Seconds())
}

// TestRecordingsFiresAreFoundFromEventsAlone holds the synthetic fires, release by release, with the
// settings recommended for a Frigate that answers nothing; far smoke is too sparse there, see the table.
func TestRecordingsFiresAreFoundFromEventsAlone(t *testing.T) {
	for _, r := range all(t) {
		if r.kind != "events" || !strings.HasPrefix(r.scene, "fire-") {
			continue
		}
		if !finds(t, r, "threshold 1, events alone") {
			t.Errorf("%s: the fire was not found", r)
		}
	}
}

// TestRecordingsOfNoFireStartNothing: with the default threshold nothing at all. The scenes are of one
// camera, so that alone proves little: where one camera's word is enough, only the listed ones alarm.
func TestRecordingsOfNoFireStartNothing(t *testing.T) {
	found := map[string][]string{}
	for _, r := range all(t) {
		i := sceneOf(r.scene)
		if i < 0 || scenes[i].fire {
			continue
		}
		if finds(t, r, "defaults") {
			t.Errorf("%s: the defaults start the pump without a fire", r)
		}
		for suite := range falseAlarms {
			if strings.HasSuffix(suite, "alone") && r.kind != "events" {
				continue
			}
			if finds(t, r, suite) {
				found[suite] = append(found[suite], r.String())
			}
		}
	}
	for suite, want := range falseAlarms {
		slices.Sort(found[suite])
		if !slices.Equal(found[suite], want) {
			t.Errorf("%s: false alarms of one camera:\n%s\nwant:\n%s", suite, strings.Join(found[suite], "\n"), strings.Join(want, "\n"))
		}
	}
}

// columns are the table's: a release's recordings by settings. One camera's word is enough in all.
var columns = []struct{ title, release, kind, suite string }{
	{"answers, 0.16, defaults", "0.16", "polled", "threshold 1"},
	{"events alone, 0.14, defaults", "0.14", "events", "threshold 1"},
	{"events alone, 0.14, as recommended", "0.14", "events", "threshold 1, events alone"},
}

// recordingsTable prints README.md's table.
func recordingsTable() (string, error) {
	found, err := tapes()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| scene | what it shows |")
	for _, column := range columns {
		fmt.Fprintf(&b, " %s |", column.title)
	}
	b.WriteString("\n" + strings.Repeat("|---", len(columns)+2) + "|\n")
	for i, s := range scenes {
		fmt.Fprintf(&b, "| %s | %s |", strings.TrimSuffix(s.name, "-"), s.what)
		for _, column := range columns {
			var seconds []float64
			of := 0
			for _, r := range found {
				if sceneOf(r.scene) != i || r.release != column.release || r.kind != column.kind {
					continue
				}
				of++
				f, err := first(r, column.suite)
				if err != nil {
					return "", err
				}
				if f != nil {
					seconds = append(seconds, *f)
				}
			}
			fmt.Fprintf(&b, " %s |", cell(seconds, of))
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// cell tells one recording's second, or of several how many were found and when.
func cell(seconds []float64, of int) string {
	slices.Sort(seconds)
	switch {
	case len(seconds) == 0:
		return "no"
	case of == 1:
		return fmt.Sprintf("%.0f s", seconds[0])
	}
	return fmt.Sprintf("%d of %d, %.0f to %.0f s", len(seconds), of, seconds[0], seconds[len(seconds)-1])
}
