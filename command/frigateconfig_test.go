package command

import (
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/broker"
)

const discovered = `[{"mac":"44:19:b6:0a:00:01","ip":"10.0.0.5","name":"Front gate","manufacturer":"Hikvision","model":"DS","login":"good","login_id":"line 3",
  "streams":[{"url":"rtsp://10.0.0.5/1","codec":"H264","width":2560,"height":1440},{"url":"rtsp://10.0.0.5/2","codec":"H264","width":640,"height":360}]},
 {"mac":"00:40:8c:00:00:05","ip":"10.0.0.9","login":"missing"}]`

func TestFrigateConfigPrintsTheCamerasOfAFile(t *testing.T) {
	config := file(t, "home.toml", "[cameras.gate]\nmac = \"44-19-B6-0A-00-01\"\n[consensus]\nlabels = [\"fire\"]\nmin_confidence = 0.6\n")
	got := run(t, "frigate-config", "--from", file(t, "cameras.json", discovered), "--config", config)
	for _, want := range []string{"\n  gate: # Front gate, Hikvision DS, 44:19:b6:0a:00:01, 10.0.0.5\n", "detect: {enabled: true, width: 640, height: 360, fps: 5}",
		`"rtsp://{FRIGATE_RTSP_USER_LINE_3}:{FRIGATE_RTSP_PASSWORD_LINE_3}@10.0.0.5/2"`, "track: [fire]", "threshold: 0.6, min_area: 230}", "# Left out: cam_00408c000005"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	if got.code != 0 || got.errs != "Set in Frigate's environment, percent-encoded: FRIGATE_RTSP_PASSWORD_LINE_3, FRIGATE_RTSP_USER_LINE_3\n" {
		t.Errorf("%d: %s", got.code, got.errs)
	}
}

func TestFrigateConfigSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct{ text, why string }{
		"not JSON":  {"{", "not JSON at byte 1; wildfire-watch discover --json > FILE makes one"},
		"a secret":  {`[{"ip":"hunter2"`, "not JSON"},
		"empty":     {"[]", "no camera in it"},
		"no stream": {`[{"mac":"44:19:b6:0a:00:01","login":"missing"}]`, "give its login to cameras.credentials_file"},
	} {
		got := run(t, "frigate-config", "--from", file(t, "cameras.json", c.text))
		if got.code != 1 || !strings.Contains(got.errs, c.why) || strings.Contains(got.errs, "hunter2") {
			t.Errorf("%s: %d: %s", name, got.code, got.errs)
		}
	}
	if got := run(t, "frigate-config", "--from", "/nowhere/cameras.json"); got.code != 1 || !strings.Contains(got.errs, "no such file") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "frigate-config", "--set", "broker.listen=127.0.0.1:1"); got.code != 1 || !strings.Contains(got.errs, "frigate-config: listen to the broker: ") || !strings.Contains(got.errs, "refused") {
		t.Errorf("%+v", got)
	}
}

// kept is a broker that keeps messages, and its address.
func kept(t *testing.T, messages map[string]string) string {
	t.Helper()
	b, err := broker.Start("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + b.Addr).SetClientID("test"))
	if token := client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer client.Disconnect(100)
	for topic, payload := range messages {
		if token := client.Publish(topic, 1, true, payload); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	return "broker.listen=" + b.Addr
}

func TestFrigateConfigAsksTheRunningProgram(t *testing.T) {
	list := strings.SplitN(strings.Trim(discovered, "[]"), "},\n {", 2)
	at := kept(t, map[string]string{"camera/discovery/44:19:b6:0a:00:01": list[0] + "}", "camera/discovery/00:40:8c:00:00:05": "{" + list[1],
		"camera/discovery/odd": "rubbish", "camera/discovery/odder": "{}"})
	got := run(t, "frigate-config", "--set", at)
	want := run(t, "frigate-config", "--from", file(t, "cameras.json", discovered))
	if got != want || got.code != 0 {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestFrigateConfigPrintsWhatTheRunningProgramPublished(t *testing.T) {
	at := kept(t, map[string]string{"p/frigate/config/cameras": "cameras: {} # as it was published\n"})
	if got := run(t, "frigate-config", "--set", at, "--set", "mqtt.topic_prefix=p"); got != (said{0, "cameras: {} # as it was published\n", ""}) {
		t.Errorf("%+v", got)
	}
}

func TestFrigateConfigIsNoWayOntoTheTerminal(t *testing.T) {
	at := kept(t, map[string]string{"frigate/config/cameras": "cameras: {} # \x1b]0;owned\x07\n"})
	got := run(t, "frigate-config", "--set", at)
	if got.code != 1 || got.out != "" || !strings.Contains(got.errs, "nothing was said of cameras on tcp://127.0.0.1:") || !strings.Contains(got.errs, "within 5s") {
		t.Errorf("%+v", got)
	}
}
