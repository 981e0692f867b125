package camera

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCheckNamesWhatSingleKeysCannot(t *testing.T) {
	for _, c := range []struct {
		why    string
		change func(*Config)
		want   string // key of the one mistake, "~key" for a warning
	}{
		{"the defaults", func(*Config) {}, ""},
		{"no area left", func(c *Config) { c.MinArea = 0.8 }, "min_area_ratio"},
		{"no label", func(c *Config) { c.Labels = nil }, "labels"},
		{"a label of nothing", func(c *Config) { c.Labels = []string{"fire", " "} }, "labels"},
		{"more samples than events", func(c *Config) { c.Average = 4 }, "~detection_window"},
		{"more samples in a longer window",
			func(c *Config) { c.Average, c.Window = 4, 40*time.Second }, ""},
	} {
		config := standard()
		c.change(&config)
		var got []string
		for _, m := range config.Check() {
			if m.Warning {
				m.Key = "~" + m.Key
			}
			got = append(got, m.Key)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: mistakes %q, want %q", c.why, got, c.want)
		}
	}
}

func TestOneNameForTwoCamerasIsAMistake(t *testing.T) {
	n := Names{Known: map[string]Known{
		"north": {MAC: "aa:bb:cc:dd:ee:ff", Aliases: []string{"cam1", "south"}, Detect: "1280x720"},
		"south": {MAC: "AA-BB-CC-DD-EE-FF", Aliases: []string{"cam1"}, Detect: "big"},
		"west":  {MAC: "west"},
	}}
	var got []string
	for _, m := range n.Check() {
		got = append(got, m.Key)
	}
	want := []string{"north.aliases", "south.detect", "south.mac", "south.aliases", "west.mac"}
	if !slices.Equal(got, want) {
		t.Errorf("mistakes %q, want %q", got, want)
	}
}

func TestTheSmallestGrowthIsThatOfTwoHalvesHalfAWindowApart(t *testing.T) {
	c := standard()
	want := "area x2.07 a minute (x1.2 in 15s, for 10s without a break)"
	if got := SmallestGrowth(c); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	c.Window = 600 * time.Second
	want = "area x1.04 a minute (x1.2 in 5m0s, for 10s without a break)"
	if got := SmallestGrowth(c); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSizesAreTwoPositiveNumbers(t *testing.T) {
	for in, want := range map[string][2]int{"1280x720": {1280, 720}, " 640 X 480 ": {640, 480}, "": {},
		"1280": {}, "0x5": {}, "-1x5": {}, "70000x1": {}, "axb": {}, "1x2x3": {}} {
		w, h, ok := ParseSize(in)
		if ok != (want != [2]int{}) || ok && [2]int{w, h} != want {
			t.Errorf("%q is %d x %d, %v", in, w, h, ok)
		}
	}
}
