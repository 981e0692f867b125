package nvr

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"wildfire-watch/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

func stream(url, codec string, width, height int) protocol.Stream {
	return protocol.Stream{URL: url, Codec: codec, Width: width, Height: height, FPS: 25}
}

func udp(s protocol.Stream) protocol.Stream {
	s.UDPOnly = true
	return s
}

// home is one camera of each sort.
var home = []Camera{
	{MAC: "44:19:b6:0a:00:01", Friendly: "Front gate", IP: "10.0.0.5", Maker: "Hikvision", Model: "DS-2CD2042WD", HasLogin: true, LoginVar: "line 3",
		Streams: []protocol.Stream{stream("rtsp://10.0.0.5:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1", "H265", 2688, 1520),
			stream("rtsp://10.0.0.5:554/Streaming/Channels/102", "H264", 640, 360), stream("rtsp://10.0.0.5:554/Streaming/Channels/103", "H264", 1280, 720)}},
	{Name: "barn", MAC: "e0:50:8b:00:00:02", IP: "10.0.0.6", Maker: "Dahua", HasLogin: true, LoginVar: "line 3",
		Streams: []protocol.Stream{stream("rtsp://10.0.0.6/cam/realmonitor?channel=1&subtype=0", "H264", 3840, 2160)}},
	{MAC: "00:40:8c:00:00:03", IP: "10.0.0.7", Streams: []protocol.Stream{udp(stream("rtsp://10.0.0.7:8554/live", "H264", 0, 0))}},
	{MAC: "00:40:8c:00:00:04", IP: "10.0.0.8", HasLogin: true, Streams: []protocol.Stream{stream("rtsp://10.0.0.8/mjpeg", "JPEG", 800, 600)}},
	{MAC: "00:40:8c:00:00:05", IP: "10.0.0.9", HasLogin: true},
	{IP: "2001:db8::7", Streams: []protocol.Stream{stream("rtsps://[2001:db8::7]:7441/x", "H264", 1920, 1080), stream("rtsps://[2001:db8::7]:7441/y", "H265", 704, 480)}},
}

var filters = Filters{Labels: []string{"fire", "smoke"}, MinConfidence: 0.7, MinArea: 0.001}

// variables are values for all of the variables.
func variables(cameras []Camera) map[string]string {
	values := make(map[string]string)
	for _, name := range Environment(cameras) {
		values[name] = "s3cr3t%40"
	}
	return values
}

func check(t testing.TB, cameras []Camera, f Filters) file {
	t.Helper()
	text := Config(cameras, f)
	for _, release := range releases {
		for _, wrong := range holds(release, text, variables(cameras)) {
			t.Errorf("%s: %s\n%s", release, wrong, text)
		}
	}
	var written file
	if err := yaml.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	return written
}

func TestEveryReleaseAcceptsTheCamerasOfAHome(t *testing.T) {
	f := check(t, home, filters)
	golden := filepath.Join("testdata", "home.yaml")
	if *rewrite {
		if err := os.WriteFile(golden, Config(home, filters), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if got := Config(home, filters); err != nil || !bytes.Equal(got, want) {
		t.Errorf("not as in %s (%v):\n%s", golden, err, got)
	}
	gate := f.Cameras["cam_4419b60a0001"]
	if len(gate.FFmpeg.Inputs) != 2 || gate.Detect.Width != 1280 || gate.Objects.Filters["fire"].MinArea != 921 ||
		gate.Objects.Filters["smoke"].Threshold != 0.7 || gate.Objects.Filters["smoke"].MinScore != 0.5 {
		t.Errorf("%+v", gate)
	}
	if barn := f.Cameras["barn"]; len(barn.FFmpeg.Inputs) != 1 || len(barn.FFmpeg.Inputs[0].Roles) != 2 || barn.Detect.Width != 1920 || barn.Detect.Height != 1080 {
		t.Errorf("%+v", barn)
	}
	if len(f.Cameras) != 5 || len(f.Go2RTC.Streams) != 7 {
		t.Errorf("%d cameras, %d streams", len(f.Cameras), len(f.Go2RTC.Streams))
	}
}

func TestTheVariablesToSetAreListed(t *testing.T) {
	want := []string{"FRIGATE_RTSP_PASSWORD_00408C000004", "FRIGATE_RTSP_PASSWORD_LINE_3", "FRIGATE_RTSP_USER_00408C000004", "FRIGATE_RTSP_USER_LINE_3"}
	if got := Environment(home); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	text := string(Config(home, filters))
	for _, name := range want {
		if !strings.Contains(text, "#   "+name+"\n") || !strings.Contains(text, "{"+name+"}") {
			t.Errorf("%s is not in\n%s", name, text)
		}
	}
	if strings.Contains(string(Config(home[5:], filters)), "FRIGATE_") {
		t.Error("a home without logins has variables")
	}
}

func TestTheOrderOfTheCamerasChangesNothing(t *testing.T) {
	want := Config(home, filters)
	for seed := range uint64(50) {
		cameras := slices.Clone(home)
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(cameras), func(i, j int) { cameras[i], cameras[j] = cameras[j], cameras[i] })
		if got := Config(cameras, filters); !bytes.Equal(got, want) {
			t.Fatalf("seed %d:\n%s", seed, got)
		}
	}
}

func TestALoginInAnAddressIsNeverWritten(t *testing.T) {
	c := Camera{Name: "a", Streams: []protocol.Stream{stream("rtsp://admin:hunter2@10.0.0.5/live", "H264", 640, 480)}}
	if text := string(Config([]Camera{c}, filters)); strings.Contains(text, "hunter2") || strings.Contains(text, "admin") || !strings.Contains(text, `"rtsp://10.0.0.5/live"`) {
		t.Error(text)
	}
}

func TestNoTwoCamerasShareAName(t *testing.T) {
	one := []protocol.Stream{stream("rtsp://10.0.0.5/1", "H264", 3000, 2000), stream("rtsp://10.0.0.5/2", "H264", 640, 480)}
	f := check(t, []Camera{{Name: "yard", Streams: one}, {Name: "yard", IP: "10.0.0.6", Streams: one}, {Name: "Yard", Streams: one},
		{Name: "yard_sub", Streams: one}, {Name: "yard_2", Streams: one}, {Streams: one},
		{Name: "no", Streams: one}, {Name: "12", Streams: one}, {Name: "1e5", Streams: one}, {Name: "-", Streams: one}, {Name: "Null", Streams: one}, {Name: "_", Streams: one}}, filters)
	if len(f.Cameras) != 12 || len(f.Go2RTC.Streams) != 24 {
		t.Errorf("%+v", f)
	}
}

func TestANameIsMadeOfTheMAC(t *testing.T) {
	for mac, want := range map[string]string{"44:19:b6:0a:00:01": "cam_4419b60a0001", "44-19-B6-0A-00-01": "cam_4419b60a0001", "4419b60a0001": "cam_4419b60a0001",
		"10.0.0.5": "cam_10_0_0_5", "fe80::1": "cam_fe80__1", "": "cam_", "käm: {x}": "cam_k_m___x_"} {
		if got := CameraName(mac); got != want {
			t.Errorf("%q: %s, want %s", mac, got, want)
		}
	}
}

// What each stream is for. The first is the main stream.
func TestTheStreamToDetectInIsTheLargestThatIsSmallEnough(t *testing.T) {
	s := func(codec string, w, h int) protocol.Stream {
		return stream(fmt.Sprintf("rtsp://h/%s/%d", codec, w), codec, w, h)
	}
	for name, c := range map[string]struct {
		streams        []protocol.Stream
		record, detect string
		width, height  int
	}{
		"main and sub":              {[]protocol.Stream{s("H264", 2560, 1440), s("H264", 640, 360)}, "H264/2560", "H264/640", 640, 360},
		"three":                     {[]protocol.Stream{s("H264", 3840, 2160), s("H264", 1920, 1080), s("H264", 640, 360)}, "H264/3840", "H264/640", 640, 360},
		"three, the middle fits":    {[]protocol.Stream{s("H265", 3840, 2160), s("H265", 640, 360), s("H265", 1280, 720)}, "H265/3840", "H265/1280", 1280, 720},
		"a small main":              {[]protocol.Stream{s("H264", 1280, 720), s("H264", 320, 180)}, "H264/1280", "H264/1280", 1280, 720},
		"no sizes":                  {[]protocol.Stream{s("H264", 0, 0), stream("rtsp://h/b", "", 0, 0)}, "H264/0", "b", 0, 0},
		"one":                       {[]protocol.Stream{s("H264", 704, 577)}, "H264/704", "H264/704", 704, 576},
		"one that is too large":     {[]protocol.Stream{s("H264", 2304, 1297)}, "H264/2304", "H264/2304", 1152, 648},
		"an absurd size":            {[]protocol.Stream{s("H264", 1<<30, 1<<30)}, "H264/1073741824", "H264/1073741824", 0, 0},
		"JPEG is not for recording": {[]protocol.Stream{s("JPEG", 1920, 1080), s("H264", 800, 600)}, "H264/800", "H264/800", 800, 600},
		"nor for detecting":         {[]protocol.Stream{s("H264", 1920, 1080), s("JPEG", 640, 480)}, "H264/1920", "H264/1920", 1920, 1080},
		"the same twice":            {[]protocol.Stream{s("H264", 1920, 1080), s("H264", 1920, 1080)}, "H264/1920", "H264/1920", 1920, 1080},
		"the first cannot be read":  {[]protocol.Stream{{URL: "http://h/x"}, {URL: ":"}, {URL: "rtsp:///x"}, s("H264", 640, 480)}, "H264/640", "H264/640", 640, 480},
	} {
		f := check(t, []Camera{{Name: "a", Streams: c.streams}}, filters)
		got := f.Cameras["a"]
		for _, i := range got.FFmpeg.Inputs {
			source := f.Go2RTC.Streams[strings.TrimPrefix(i.Path, "rtsp://127.0.0.1:8554/")]
			for _, role := range i.Roles {
				if want := map[string]string{"record": c.record, "detect": c.detect}[role]; len(source) != 1 || source[0] != "rtsp://h/"+want {
					t.Errorf("%s: %s is %q, want %s", name, role, source, want)
				}
			}
		}
		if got.Detect.Width != c.width || got.Detect.Height != c.height {
			t.Errorf("%s: detects in %dx%d, want %dx%d", name, got.Detect.Width, got.Detect.Height, c.width, c.height)
		}
	}
}

func TestACameraThatCannotBeHandedOverIsSaid(t *testing.T) {
	text := string(Config([]Camera{{Name: "a", HasLogin: true}, {Name: "b"}, {Name: "c", IP: "10.0.0.5", Streams: []protocol.Stream{{URL: "rtsp://a b/"}, {URL: "rtsp://[fe80::1%25eth0]/x"}, {URL: "rtsp://h:99999/"}}}}, filters))
	for _, want := range []string{"# Left out: a (nothing else is known of it): no stream is known: its login is missing", "# Left out: b", "# Left out: c (10.0.0.5): none of its streams", "cameras: {}"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "FRIGATE_") {
		t.Errorf("a variable that nothing uses:\n%s", text)
	}
}

func TestFiltersAreNeverStricterThanWeAre(t *testing.T) {
	one := []Camera{{Name: "a", Streams: []protocol.Stream{stream("rtsp://h/x", "H264", 640, 360)}}}
	for _, f := range []Filters{{}, {MinConfidence: 1, MinArea: 1}, {MinConfidence: 0.999, MinArea: 0.0009999}, {MinConfidence: 0.005}, {MinConfidence: 0.57, MinArea: 1e-9},
		{MinConfidence: math.NaN(), MinArea: math.NaN()}, {MinConfidence: math.Inf(1), MinArea: math.Inf(-1)}, {Labels: []string{"Fire-verified", " smoke ", "fire", "on", "no: {x}", "Ünder", "a\nb", ""}, MinConfidence: 0.7}} {
		written := check(t, one, f).Cameras["a"]
		if len(written.Objects.Track) == 0 || len(written.Objects.Filters) != len(written.Objects.Track) {
			t.Errorf("%+v", written.Objects)
		}
		for _, w := range written.Objects.Filters {
			if w.Threshold > f.MinConfidence && f.MinConfidence <= 1 || w.MinArea > 0 && float64(w.MinArea) > f.MinArea*640*360 {
				t.Errorf("%+v became %+v", f, w)
			}
		}
	}
}

func TestTheNumberOfCamerasIsBounded(t *testing.T) {
	var many []Camera
	for i := range MaxCameras + 7 {
		many = append(many, Camera{Name: fmt.Sprintf("cam_%04d", i), Streams: home[0].Streams, HasLogin: true, LoginVar: "1"})
	}
	text := Config(many, filters)
	if !strings.Contains(string(text), "# Left out: 7 more cameras") {
		t.Error("nothing is said of the cameras left out")
	}
	t.Logf("%d bytes a camera", len(text)/MaxCameras)
	if size := len(Config(many[:250], filters)); size > 256<<10 {
		t.Errorf("250 cameras take %d bytes, more than the bridge publishes in one message", size)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("barn", "Front: #gate", "44:19:b6:0a:00:01", "10.0.0.5", "Hik {x}", "rtsp://10.0.0.5/a?b={c}#d", "H264", "line 3", "fire", 1920, 1080, 0.7, 0.001)
	f.Add("", "\u2028\x00\n- x", "", "", "'\"", "rtsp://u:p@h/%7b%zz $'\"", "JPEG", "", "on", -1, 3, -1.0, 2.0)
	f.Add("a\n", "é", "zz", "::1", "", "rtsps://[::1]:1/${X}", "h265", "a/b", "\xff", 1, 1, 0.5, 0.5)
	f.Add("no", "}", "{", "}", "{}", "rtsp://h/\r\n%", "MPEG4", "{", "{", 99999, 99999, 1.0, 1.0)
	f.Fuzz(func(t *testing.T, name, friendly, mac, ip, model, url, codec, login, label string, w, h int, confidence, area float64) {
		c := Camera{Name: name, Friendly: friendly, MAC: mac, IP: ip, Maker: model, Model: friendly, HasLogin: len(login) > 0, LoginVar: login,
			Streams: []protocol.Stream{stream(url, codec, w, h), udp(stream("rtsp://10.0.0.5/"+model, codec, h, w))}}
		cameras := []Camera{c, {Name: name, Friendly: model, Streams: c.Streams[:1]}, home[0]}
		written := check(t, cameras, Filters{Labels: []string{label, "smoke"}, MinConfidence: confidence, MinArea: area})
		if _, ok := written.Cameras["cam_4419b60a0001"]; !ok && CameraName(mac) != "cam_4419b60a0001" {
			t.Fatalf("a camera beside it is lost")
		}
	})
}
