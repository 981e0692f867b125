package rtsp

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRealDescriptions: as gst-rtsp-server, go2rtc and VLC wrote them.
func TestRealDescriptions(t *testing.T) {
	for name, want := range map[string]struct {
		codec, control, whole, audio string
		width, height                int
		fps                          float64
	}{
		"gst-h264.sdp":  {"H264", "stream=0", "*", "", 1920, 1080, 5},
		"gst-h265.sdp":  {"H265", "stream=0", "*", "", 2560, 1440, 5},
		"gst-audio.sdp": {"H264", "stream=0", "*", "PCMA", 1280, 720, 5},
		"gst-jpeg.sdp":  {"JPEG", "stream=0", "*", "", 0, 0, 5},
		"go2rtc.sdp":    {"H264", "trackID=0", "", "", 1280, 720, 5},
		"vlc.sdp":       {"H264", "rtsp://10.77.2.14:554/h264main/trackID=1", "rtsp://10.77.2.14:554/h264main", "", 1280, 720, 5},
	} {
		for way, text := range map[string]string{"lf": string(sample(t, name)), "crlf": strings.ReplaceAll(string(sample(t, name)), "\n", "\r\n")} {
			d, err := ParseSDP([]byte(text))
			v, ok := d.First(Video)
			a, _ := d.First(Audio)
			if err != nil || !ok || v.Codec != want.codec || v.Width != want.width || v.Height != want.height || v.FPS != want.fps ||
				v.Control != want.control || d.Control != want.whole || a.Codec != want.audio {
				t.Errorf("%s %s: %+v %v", name, way, d, err)
			}
		}
	}
}

// sps is a small H.264 set of 1920 x 1080, in base64 as gst wrote it.
const sps = "Z0LAKNoB4AiflwFqAgICgAAAAwCAAAAFR4wZUA=="

func TestDescriptions(t *testing.T) {
	for name, c := range map[string]struct {
		text          string
		codec         string
		width, height int
		fps           float64
	}{
		"nothing but video":      {"m=video 0 RTP/AVP 96", "", 0, 0, 0},
		"static JPEG":            {"m=video 0 RTP/AVP 26", "JPEG", 0, 0, 0},
		"HEVC":                   {"m=video 0 RTP/AVP 97\na=rtpmap:97 hevc/90000", "H265", 0, 0, 0},
		"MPEG4":                  {"m=VIDEO 0 RTP/AVP 97\na=rtpmap:97 MP4V-ES/90000\na=x-dimensions: 640, 480", "MPEG4", 640, 480, 0},
		"foreign codec":          {"m=video 0 RTP/AVP 97\na=rtpmap:97 VP8/90000", "", 0, 0, 0},
		"another payload's map":  {"m=video 0 RTP/AVP 97\na=rtpmap:98 H264/90000", "", 0, 0, 0},
		"fmtp before rtpmap":     {"m=video 0 RTP/AVP 96\na=fmtp:96 sprop-parameter-sets=" + sps + "\na=rtpmap:96 H264/90000", "H264", 1920, 1080, 5},
		"no padding":             {"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 Sprop-Parameter-Sets=\"" + strings.TrimRight(sps, "=") + "\"", "H264", 1920, 1080, 5},
		"pps first":              {"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=aM48gA==," + sps, "H264", 1920, 1080, 5},
		"set beats attribute":    {"m=video 0 RTP/AVP 96\na=x-dimensions:1,2\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=" + sps + "\na=x-dimensions:3,4", "H264", 1920, 1080, 5},
		"H264 set in H265":       {"m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=fmtp:96 sprop-sps=" + sps, "H265", 0, 0, 0},
		"broken base64":          {"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=****", "H264", 0, 0, 0},
		"framesize":              {"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=framesize:96 704-576", "H264", 704, 576, 0},
		"framesize of another":   {"m=video 0 RTP/AVP 96\na=framesize:97 704-576", "", 0, 0, 0},
		"cliprect":               {"m=video 0 RTP/AVP 26\na=cliprect:0,0,480,640", "JPEG", 640, 480, 0},
		"cliprect, cut":          {"m=video 0 RTP/AVP 26\na=cliprect:1,0,480,640", "JPEG", 0, 0, 0},
		"impossible sizes":       {"m=video 0 RTP/AVP 26\na=x-dimensions:0,480\na=x-dimensions:99999,480\na=x-dimensions:-1,-1\na=x-dimensions:x,y\na=x-dimensions:7", "JPEG", 0, 0, 0},
		"frame rate":             {"m=video 0 RTP/AVP 26\na=framerate: 12.5", "JPEG", 0, 0, 12.5},
		"impossible frame rates": {"m=video 0 RTP/AVP 26\na=framerate:NaN\na=framerate:Inf\na=framerate:-3\na=framerate:1e9\na=framerate:0", "JPEG", 0, 0, 0},
		"a known codec first":    {"m=video 0 RTP/AVP 97\na=rtpmap:97 VP8/90000\nm=video 0 RTP/AVP 26", "JPEG", 0, 0, 0},
	} {
		d, err := ParseSDP([]byte("v=0\n" + c.text + "\n"))
		v, ok := d.First(Video)
		if err != nil || !ok || v.Codec != c.codec || v.Width != c.width || v.Height != c.height || v.FPS != c.fps {
			t.Errorf("%s: %+v %v", name, d, err)
		}
	}
	for _, text := range []string{"", "hello", "<html>", "\nm=video 0 RTP/AVP 26", "v=1"} {
		if d, err := ParseSDP([]byte(text)); err != NoSDP || len(d.Media) > 0 {
			t.Errorf("%q: %+v %v", text, d, err)
		}
	}
	for text, want := range map[string]string{
		"m=audio 0 RTP/AVP 0": "PCMU", "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/16000": "AAC", "m=audio 0 RTP/AVP 97": "",
		"m=audio 0 RTP/AVP 97\na=rtpmap:97 <script>/8000": "", "m=audio 0 RTP/AVP 97\na=rtpmap:97 " + strings.Repeat("A", 99): "",
		"m=audio 0 RTP/AVP 0\na=sendonly": "", "m=audio 0 RTP/AVP 0\na=sendonly\nm=audio 0 RTP/AVP 8": "PCMA",
	} {
		d, err := ParseSDP([]byte("v=0\n" + text))
		if a, _ := d.First(Audio); err != nil || a.Codec != want {
			t.Errorf("%s: %+v", text, d)
		}
	}
	d, err := ParseSDP([]byte("v=0\n" + strings.Repeat("m=video 0 RTP/AVP 26\n", 400) + strings.Repeat("a=control:x\n", 9000)))
	if err != nil || len(d.Media) != maxMedia {
		t.Error(len(d.Media), err)
	}
}

func TestStreamsThatCannotBeToldApart(t *testing.T) {
	first := func(name string) Medium { d, _ := ParseSDP(sample(t, name)); m, _ := d.First(Video); return m }
	if !first("gst-jpeg.sdp").Alike(first("gst-jpeg.sdp")) || first("gst-h264.sdp").Alike(first("gst-audio.sdp")) {
		t.Error("alike")
	}
}

func TestJPEGSize(t *testing.T) {
	payload := []byte{0, 0, 0, 0, 1, 50, 100, 75}
	head := []byte{0x80, 26, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	with := func(first byte, more ...byte) []byte {
		b := append([]byte{first}, head[1:]...)
		return append(append(b, more...), payload...)
	}
	for name, c := range map[string]struct {
		packet []byte
		ok     bool
	}{
		"plain":          {with(0x80), true},
		"two sources":    {with(0x82, 1, 2, 3, 4, 5, 6, 7, 8), true},
		"an extension":   {with(0x90, 0xbe, 0xde, 0, 1, 9, 9, 9, 9), true},
		"version 1":      {with(0x40), false},
		"short":          {with(0x80)[:19], false},
		"a lying length": {with(0x90, 0xbe, 0xde, 0xff, 0xff), false},
		"no extension":   {head[:12], false},
		"nothing":        {nil, false},
		"beyond 2040":    {append(append([]byte{}, head...), 0, 0, 0, 0, 1, 50, 0, 0), false},
	} {
		w, h, ok := JPEGSize(c.packet)
		if ok != c.ok || ok && (w != 800 || h != 600) {
			t.Errorf("%s: %d x %d, %v", name, w, h, ok)
		}
	}
}

// FuzzSDP: whatever a camera describes is bounded and costs no panic.
func FuzzSDP(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.sdp"))
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, n := range names {
		f.Add(sample(f, filepath.Base(n)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseSDP(text)
		if err != nil && len(d.Media) > 0 || len(d.Media) > maxMedia {
			t.Error(len(d.Media), err)
		}
		for _, m := range d.Media {
			if m.Width != 0 && !size(m.Width, m.Height) || !(m.FPS >= 0 && m.FPS <= maxFPS) || len(m.Control) > MaxURL || len(m.Codec) > maxCodec || !visible(m.Codec) {
				t.Errorf("%+v", m)
			}
		}
	})
}

// FuzzSet: a hostile parameter set costs the size, not the process.
func FuzzSet(f *testing.F) {
	for _, s := range []string{sps, "QgEBAWAAAAMAkAAAAwAAAwCWoAFAIAWhZbpKTC//AAEAAWoCAgIIAAADAAgAAAMAKEA="} {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		for _, codec := range []string{"H264", "H265"} {
			m := Medium{Kind: Video, Codec: codec}
			if ok := m.set(set[:min(len(set), maxSet)]); ok != size(m.Width, m.Height) {
				t.Errorf("%+v", m)
			}
		}
	})
}
