package protocol

import (
	"strings"
	"testing"
)

func TestEveryTopicOfTheContractStandsInTheTable(t *testing.T) {
	in := map[string]byte{"fire/detection": 0, "fire/detection/<camera>": 0, "events": 0,
		"camera_activity": 0, "available": 0, "stats": 0, "<camera>/status/detect": 0,
		"system/camera_telemetry": 0, "system/telemetry": 0, "homeassistant/status": 0,
		"fire/trigger": 2, "fire/emergency": 1}
	out := map[string]bool{"fire/trigger": false, "system/trigger_telemetry": false,
		"system/<service>/health": true, "system/<service>/lwt": true, "system/telemetry": false,
		"system/alarms": true, "camera/discovery/<mac>": true, "camera/status/<mac>": false,
		"frigate/config/cameras": false, "onConnect": false,
		"system/state": true, "homeassistant/device/<id>/config": true}
	for _, row := range Topics {
		if row.In {
			if qos, ok := in[row.Name]; !ok || qos != row.QoS || row.Retained {
				t.Errorf("in %s: QoS %d", row.Name, row.QoS)
			}
			delete(in, row.Name)
			continue
		}
		if retained, ok := out[row.Name]; !ok || retained != row.Retained {
			t.Errorf("out %s: retained %v", row.Name, row.Retained)
		}
		delete(out, row.Name)
	}
	if len(in)+len(out) > 0 {
		t.Errorf("missing: in %v, out %v", in, out)
	}
}

func TestOnlyStatesOfOthersAreTakenRetained(t *testing.T) {
	for _, row := range Topics {
		if row.TakesRetained != (row.Name == TopicFrigateAvailable || row.Name == TopicHomeAssistant) {
			t.Errorf("%s: takes retained %v (P13)", row.Name, row.TakesRetained)
		}
	}
}

func TestAVaryingLevelCanNeverChangeATopicsShape(t *testing.T) {
	for level, want := range map[string]string{"aa:bb": "camera/status/aa:bb",
		"a/b": "camera/status/a_b", "+": "camera/status/_", "#": "camera/status/_",
		"\x00": "camera/status/_"} {
		if got := TopicOf(TopicCameraStatus, level); got != want {
			t.Errorf("%q: %s", level, got)
		}
	}
	if TopicOf(TopicEvents, "x") != TopicEvents {
		t.Error("a topic without a varying level varies")
	}
}

func TestPrefixesStandBeforeTheirOwnTopicsOnly(t *testing.T) {
	p := Prefixes{Ours: "site7/", Frigate: "nvr"}
	if got := p.Of("fire/trigger", false); got != "site7/fire/trigger" {
		t.Error(got)
	}
	if got := p.Of("events", true); got != "nvr/events" {
		t.Error(got)
	}
	if got := (Prefixes{}).Of("fire/trigger", false); got != "fire/trigger" {
		t.Error(got)
	}
	for name, want := range map[string]string{TopicHomeAssistant: TopicHomeAssistant, TopicFrigateAvailable: "nvr/available",
		TopicEmergency: "site7/fire/emergency"} {
		for _, row := range Topics {
			if got := p.Place(row, row.Filter()); row.Name == name && got != want {
				t.Errorf("%s stands at %s, want %s", name, got, want)
			}
		}
	}
}

func TestTheTableIsMarkdownWithARowATopic(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(TopicTable()), "\n")
	if len(lines) != len(Topics)+2 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if strings.Count(l, "|") != 8 {
			t.Errorf("columns: %s", l)
		}
	}
}

func FuzzTopicLevel(f *testing.F) {
	f.Add("fire/detection/north")
	f.Add("fire/detection/")
	f.Add("system/x/health")
	f.Add("fire/detection/a/b")
	f.Add("cam_4419b60a0001/status/detect")
	f.Add("/status/detect")
	f.Fuzz(func(t *testing.T, topic string) {
		for _, row := range Topics {
			level, ok := row.Level(topic)
			if !ok {
				continue
			}
			if strings.Contains(level, "/") {
				t.Fatalf("%s: level %q", row.Name, level)
			}
			if !strings.ContainsAny(level, "+#\x00") && TopicOf(row.Name, level) != topic &&
				strings.ToValidUTF8(topic, "") == topic {
				t.Fatalf("%s of %q is %q, not %q", row.Name, level, TopicOf(row.Name, level), topic)
			}
		}
	})
}
