//go:build frigate

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plays is how often the dice are thrown for each scene: what one recording shows may be luck.
const plays = 32

// diced are scenes whose noise differs with every play; a flame is watched for ten minutes.
var diced = map[string]string{
	"flame": `{"cameras":[{"name":"north","width":1280,"height":720,"fps":5}],"tracks":[
		{"camera":"north","label":"fire","points":[{"t":2,"x":0.5,"y":0.6,"w":0.1,"h":0.1},{"t":600,"x":0.5,"y":0.6,"w":0.1,"h":0.1}]}]}`,
	"flame, two cameras": `{"cameras":[{"name":"north","width":1280,"height":720,"fps":5},{"name":"east","width":1280,"height":720,"fps":5}],"tracks":[
		{"camera":"north","label":"fire","points":[{"t":2,"x":0.5,"y":0.6,"w":0.1,"h":0.1},{"t":600,"x":0.5,"y":0.6,"w":0.1,"h":0.1}]},
		{"camera":"east","label":"fire","points":[{"t":2,"x":0.5,"y":0.6,"w":0.08,"h":0.08},{"t":600,"x":0.5,"y":0.6,"w":0.08,"h":0.08}]}]}`,
	"medium fire": `{"cameras":[{"name":"north","width":1280,"height":720,"fps":5}],"tracks":[
		{"camera":"north","label":"fire","curve":"t2","points":[{"t":2,"x":0.5,"y":0.6,"w":0.01,"h":0.01},{"t":300,"x":0.5,"y":0.6,"w":0.14,"h":0.14}]}]}`,
	"slow fire": `{"cameras":[{"name":"north","width":1280,"height":720,"fps":5}],"tracks":[
		{"camera":"north","label":"fire","curve":"t2","points":[{"t":2,"x":0.5,"y":0.6,"w":0.01,"h":0.01},{"t":600,"x":0.5,"y":0.6,"w":0.14,"h":0.14}]}]}`,
}

// TestFrigateGrowthOverManyPlays counts how often a scene would start the pump: fires always, a steady
// flame seen by two cameras never. What one camera alone makes of a flame is why threshold is 2; it is
// logged, with a bound far from what is measured.
func TestFrigateGrowthOverManyPlays(t *testing.T) {
	for _, c := range []struct {
		name, scene, release string
		threshold            int
		sets                 []string
		least, most          int
	}{
		{"answers, defaults", "medium fire", "0.16", 1, nil, plays, plays},
		{"answers, defaults", "slow fire", "0.16", 1, nil, plays, plays},
		{"answers, defaults", "flame", "0.16", 1, nil, 0, plays / 2},
		{"answers, defaults", "flame, two cameras", "0.16", 2, nil, 0, 0},
		{"events alone, as recommended", "medium fire", "0.14", 1, eventsAlone, plays, plays},
		{"events alone, as recommended", "slow fire", "0.14", 1, eventsAlone, plays, plays},
		{"events alone, as recommended", "flame", "0.14", 1, eventsAlone, 0, plays / 8},
		{"events alone, as recommended", "flame, two cameras", "0.14", 2, eventsAlone, 0, 0},
		{"events alone, window 60 s", "flame", "0.14", 1, []string{"consensus.detection_window=60s"}, plays / 4, plays}, // why the hold is longer too
		{"events alone, defaults", "medium fire", "0.14", 1, nil, 0, 0},                                                 // too sparse: why others are recommended
	} {
		sets := append([]string{fmt.Sprintf("consensus.threshold=%d", c.threshold)}, c.sets...)
		var seconds []float64
		for seed := 1; seed <= plays; seed++ {
			_, sum, err := replayed(played(t, c.scene, c.release, seed), sets...)
			if err != nil {
				t.Fatal(err)
			}
			if sum.First != nil {
				seconds = append(seconds, *sum.First)
			}
		}
		slices.Sort(seconds)
		when := ""
		if n := len(seconds); n > 0 {
			when = fmt.Sprintf(", median after %.0f s, last %.0f s", seconds[n/2], seconds[n-1])
		}
		t.Logf("%s, %s: %d of %d trigger%s", c.scene, c.name, len(seconds), plays, when)
		if n := len(seconds); n < c.least || n > c.most {
			t.Errorf("%s, %s: %d of %d trigger, want %d to %d", c.scene, c.name, n, plays, c.least, c.most)
		}
	}
}

// played is a recording of one play, as a subscriber would have made it.
func played(t *testing.T, scene, release string, seed int) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "scene.json")
	if !json.Valid([]byte(diced[scene])) {
		t.Fatalf("%s: no JSON", scene)
	}
	if err := os.WriteFile(file, []byte(diced[scene]), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-dry", "-release", release, "-seed", fmt.Sprint(seed), "-scenario", file}
	if release != "0.14" {
		args = append(args, "-poll")
	}
	out, err := exec.Command(peer(t), args...).Output()
	if err != nil || !strings.Contains(string(out), "frigate/events") {
		t.Fatalf("%v: %v", args, err)
	}
	recording := filepath.Join(dir, "play.jsonl")
	if err := os.WriteFile(recording, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return recording
}
