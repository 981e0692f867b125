package frigate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestStatsOfEveryReleaseReadAlike(t *testing.T) {
	for release, uptime := range map[string]time.Duration{"0.12": 3600 * time.Second, "0.14": 86400 * time.Second, "0.17": 86400 * time.Second} {
		got, malformed, err := DecodeStats(sample(t, "stats-"+release+".json"))
		want := Stats{Version: release + ".1-abc1234", Uptime: uptime, Cameras: []CameraStats{
			{Camera: "ridge", CameraFPS: 5.1, ProcessFPS: 5, SkippedFPS: 0.1, DetectionFPS: 2.5},
			{Camera: "gate", DetectionFPS: 0, Blind: true},
		}}
		if err != nil || malformed != 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %d malformed, %v", release, got, malformed, err)
		}
	}
}

// statsOdd are also fuzz seeds.
var statsOdd = []struct {
	payload   string
	malformed int
	cameras   []CameraStats
	why       error
}{
	{`{}`, 0, nil, nil},
	{`{"cameras":{}}`, 0, nil, nil},
	{`{"cameras":{"a":{"camera_fps":5}}}`, 0, []CameraStats{{Camera: "a", CameraFPS: 5}}, nil},
	{`{"cameras":{"camera_fps":5}}`, 0, []CameraStats{{Camera: "cameras", CameraFPS: 5}}, nil}, // 0.12, a camera of that name
	{`{"cameras":{"a":{}, "b":7, "c":null, "d":{"camera_fps":"5"}, "e":{"camera_fps":-1}, "f":{"camera_fps":NaN}, "g":{"camera_fps":1e9}, "\u0000":{"camera_fps":5}}}`, 8, nil, nil},
	{`{"cameras":{"a":{"camera_fps":0,"process_fps":NaN,"skipped_fps":null,"detection_enabled":true}}}`, 0, []CameraStats{{Camera: "a"}}, nil},
	{`{"cameras":{"a":{"camera_fps":0,"detection_enabled":false},"b":{"camera_fps":1,"detection_enabled":"x"}}}`, 0, []CameraStats{{Camera: "a", Blind: true}, {Camera: "b", CameraFPS: 1}}, nil},
	{`{"a":{"camera_fps":5},"detectors":{"coral":{"inference_speed":8}},"detection_fps":3,"service":{"uptime":-5,"version":7}}`, 0, []CameraStats{{Camera: "a", CameraFPS: 5}}, nil},
	{``, 0, nil, NotJSON}, {`[]`, 0, nil, NotJSON}, {`{"cameras":`, 0, nil, NotJSON}, {`null`, 0, nil, NotJSON},
	{strings.Repeat(" ", MaxStats+1), 0, nil, TooLarge},
}

func TestACameraWithoutASoundRateIsLeftOut(t *testing.T) {
	for _, c := range statsOdd {
		got, malformed, err := DecodeStats([]byte(c.payload))
		if !errors.Is(err, c.why) || malformed != c.malformed || !reflect.DeepEqual(got.Cameras, c.cameras) || got.Uptime != 0 || got.Version != "" {
			t.Errorf("%.80s: %+v, %d malformed, %v", c.payload, got, malformed, err)
		}
	}
}

func TestStatsAreBoundedInCameras(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"cameras":{`)
	for i := range maxCameras + 5 {
		fmt.Fprintf(&b, `"c%d":{"camera_fps":5},`, i)
	}
	b.WriteString(`"z":{"camera_fps":5}}}`)
	if got, malformed, err := DecodeStats([]byte(b.String())); err != nil || len(got.Cameras) != maxCameras || malformed != 6 {
		t.Errorf("%d cameras, %d malformed, %v", len(got.Cameras), malformed, err)
	}
}

func TestAStatusIsOneOfThreeWords(t *testing.T) {
	for payload, want := range map[string]Status{"online": Online, " Offline\n": Offline, "disabled": Disabled,
		"": "", "on": "", "\"online\"": "", "\x00": "", strings.Repeat(" ", 100) + "online": ""} {
		got, err := DecodeStatus([]byte(payload))
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, BadStatus) {
			t.Errorf("%q: %q, %v", payload, got, err)
		}
	}
}

// addresses are also fuzz seeds. No part of a login may come out.
var addresses = map[string]string{
	"rtsp://10.0.0.5:554/live":                                     "10.0.0.5",
	"rtsp://admin:hunter2@10.0.0.5/live":                           "10.0.0.5",
	"rtsp://*:*@Camera-1.Lan:554/x":                                "camera-1.lan",
	"rtsp://admin:p@ss@10.0.0.5/live":                              "10.0.0.5",
	"rtsp://admin:hun/ter2@10.0.0.5/live":                          "", // not percent-encoded: host or password, who can tell
	"rtsp://hunter2/hunter2@10.0.0.5/live":                         "",
	"rtsp://admin:hun?ter2@10.0.0.5/live":                          "",
	"rtsp://admin:hun#ter2@10.0.0.5/live":                          "",
	"http://10.0.0.5/flv?user=a&password=hunter2@x":                "",
	"http://10.0.0.5/flv?user=a&password=hunter2":                  "10.0.0.5",
	"ffmpeg:rtsp://admin:hunter2@[2001:db8::5]:554/x#input=rtsp":   "2001:db8::5",
	"rtspx://[fe80::1%25eth0]/x":                                   "fe80::1",
	"rtsp://[::ffff:10.0.0.5]/x":                                   "10.0.0.5",
	"exec:ffmpeg -i rtsp://admin:hunter2@10.0.0.5/x -f rtsp {out}": "10.0.0.5",
	"rtsp://admin:hunter2":                                         "",
	"rtsp://10.0.0.5:0/x":                                          "", "rtsp://10.0.0.5:x/": "", "rtsp://": "", "rtsp:///x": "", "cam1": "", "": "",
	"rtsp://a b/x": "", "rtsp://{FRIGATE_X}/": "", "rtsp://h\x00/": "",
}

func TestOfAnAddressOnlyTheHostIsKept(t *testing.T) {
	for address, want := range addresses {
		if host, _, _ := split(address); host != want {
			t.Errorf("%q: %q, want %q", address, host, want)
		}
	}
}

func TestTheConfigurationTellsWhereEachCameraIs(t *testing.T) {
	got, err := DecodeConfig([]byte(`{"go2rtc":{"streams":{
		"ridge":["rtsp://admin:hunter2@10.0.0.5/1","ffmpeg:ridge#audio=aac","rtsp://*:*@10.0.0.5/2"],
		"gate":"rtsp://*:*@gate.lan/1","gate_sub":["rtsp://127.0.0.1:8554/ridge"],"odd":7}},
	"cameras":{
		"ridge":{"ffmpeg":{"inputs":[{"path":"rtsp://127.0.0.1:8554/ridge?video","roles":["detect"]}]}},
		"gate":{"ffmpeg":{"inputs":[{"path":"rtsp://localhost:8554/gate"},{"path":"rtsp://*:*@10.0.0.6:554/sub"},{"path":7},5]}},
		"gate2":{"ffmpeg":{"inputs":[{"path":"rtsp://127.0.0.1:8554/gate_sub"},{"path":"rtsp://127.0.0.1:8554/none"},{"path":"rtsp://127.0.0.1:554/gate"},{"path":"rtsp://[::1]:8554/odd"}]}},
		"barn":{"ffmpeg":null},"yard":{}}}`))
	want := map[string][]string{"ridge": {"10.0.0.5"}, "gate": {"gate.lan", "10.0.0.6"}}
	if err != nil || !reflect.DeepEqual(got.Hosts, want) {
		t.Errorf("%+v, %v", got.Hosts, err)
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `{"path":"rtsp://10.0.1.%d/x"},`, i)
	}
	got, err = DecodeConfig([]byte(`{"cameras":{"a":{"ffmpeg":{"inputs":[` + many.String() + `{}]}}}}`))
	if err != nil || len(got.Hosts["a"]) != maxHosts {
		t.Errorf("%+v, %v", got.Hosts, err)
	}
}

func FuzzDecodeStats(f *testing.F) {
	for _, release := range []string{"0.12", "0.14", "0.17"} {
		f.Add(sample(f, "stats-"+release+".json"))
	}
	for _, c := range statsOdd[:len(statsOdd)-1] {
		f.Add([]byte(c.payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, _, err := DecodeStats(payload)
		var why protocol.Reject
		if err != nil && (!errors.As(err, &why) || s.Cameras != nil) || s.Uptime < 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		for _, c := range s.Cameras {
			for _, fps := range []float64{c.CameraFPS, c.ProcessFPS, c.SkippedFPS, c.DetectionFPS} {
				if c.Camera == "" || !(fps >= 0 && fps <= maxFPS) {
					t.Fatalf("%+v", c)
				}
			}
		}
	})
}

// FuzzHost puts a login into an address: it must not come out, however it is written.
func FuzzHost(f *testing.F) {
	f.Add("admin", "hunter2", "10.0.0.5", "/live")
	f.Add("a/b", "c#d", "h", "?x@y")
	f.Add("", "p@ss", "[::1]:554", "")
	f.Fuzz(func(t *testing.T, user, password, host, path string) {
		const mark = "hunter2hunter2"
		for _, address := range []string{"rtsp://" + user + ":" + mark + password + "@" + host + path, "rtsp://" + user + mark + "@" + host + path,
			"ffmpeg:rtsp://" + user + ":" + password + mark + "@" + host + path} {
			if got, _, _ := split(address); strings.Contains(got, mark) && !strings.Contains(strings.ToLower(host+path), mark) {
				t.Fatalf("%q gives %q", address, got)
			}
		}
	})
}

func BenchmarkDecodeStatsOfAHundredCameras(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"cameras":{`)
	for i := range 100 {
		fmt.Fprintf(&text, `"camera%d":{"camera_fps":5.1,"process_fps":5.0,"skipped_fps":0.0,"detection_fps":1.2,"detection_enabled":true,"pid":1,"capture_pid":2,"ffmpeg_pid":3},`, i)
	}
	text.WriteString(`"z":{"camera_fps":5}},"service":{"uptime":5,"version":"0.17.0"}}`)
	payload := []byte(text.String())
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := DecodeStats(payload); err != nil {
			b.Fatal(err)
		}
	}
}
