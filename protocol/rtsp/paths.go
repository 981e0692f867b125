package rtsp

import (
	"slices"
	"strings"
)

// pair is the path of a main stream and that of its sub stream, if it has one.
type pair struct{ main, sub string }

// makers says where each maker puts its streams, newest firmware first; the words are looked for in the
// name that goes with a MAC's prefix or that ONVIF tells. Paths that must hold a login (Xiongmai's
// /user=…) are not here: see LoginInPath. Those from a maker's own pages or from two independent lists
// come first; the others are from memory, and cost no more than an answer of 404 if they are wrong.
var makers = []struct {
	words []string
	paths []pair
}{
	{[]string{"hikvision", "hilook", "annke", "ezviz", "epcom", "hizone"}, []pair{
		{"/Streaming/Channels/101", "/Streaming/Channels/102"},
		{"/h264/ch1/main/av_stream", "/h264/ch1/sub/av_stream"}}},
	{[]string{"dahua", "amcrest", "lorex", "imou", "empiretech", "flir", "honeywell"}, []pair{
		{"/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"}}},
	{[]string{"axis"}, []pair{
		{"/axis-media/media.amp", "/axis-media/media.amp?resolution=640x360"},
		{"/onvif-media/media.amp", ""}}},
	{[]string{"reolink", "baichuan"}, []pair{
		{"/Preview_01_main", "/Preview_01_sub"},
		{"/h264Preview_01_main", "/h264Preview_01_sub"}}},
	{[]string{"tp-link", "tapo", "vigi"}, []pair{{"/stream1", "/stream2"}}},
	{[]string{"uniview", "unv"}, []pair{
		{"/unicast/c1/s0/live", "/unicast/c1/s1/live"},
		{"/media/video1", "/media/video2"},
		{"/live/ch0", "/live/ch1"}}},
	{[]string{"hanwha", "samsung", "wisenet"}, []pair{
		{"/profile2/media.smp", "/profile3/media.smp"},
		{"/onvif/profile2/media.smp", "/onvif/profile3/media.smp"}}},
	{[]string{"vivotek"}, []pair{
		{"/live.sdp", "/live2.sdp"},
		{"/live1s1.sdp", "/live1s2.sdp"},
		{"/stream1", "/stream2"}}},
	{[]string{"foscam"}, []pair{{"/videoMain", "/videoSub"}}},
	{[]string{"sony"}, []pair{{"/media/video1", "/media/video2"}}},
	{[]string{"avycon"}, []pair{{"/profile1", "/profile2"}, {"/main", "/sub"}}},
	{[]string{"eufy", "anker"}, []pair{{"/live0", "/live1"}}},
	// From here on from memory.
	{[]string{"ubiquiti"}, []pair{{"/s0", "/s1"}, {"/live/ch00_0", "/live/ch01_0"}, {"/live/ch0", ""}}},
	{[]string{"bosch", "vcs"}, []pair{
		{"/rtsp_tunnel", "/rtsp_tunnel?inst=2"},
		{"/h264main", ""}}},
	{[]string{"panasonic", "i-pro"}, []pair{
		{"/Src/MediaInput/stream_1", "/Src/MediaInput/stream_2"},
		{"/MediaInput/h264", "/MediaInput/h264/stream_2"}}},
	{[]string{"wyze"}, []pair{{"/live", ""}, {"/unicast", ""}}},
	{[]string{"zosi", "xiongmai", "hisilicon", "sricam"}, []pair{{"/11", "/12"}, {"/onvif1", "/onvif2"}}},
	{[]string{"mobotix"}, []pair{{"/mobotix.h264", ""}, {"/stream0/mobotix.h264", "/stream1/mobotix.h264"}}},
	{[]string{"grandstream"}, []pair{{"/0", "/4"}}},
	{[]string{"acti"}, []pair{{"/track1", "/track2"}}},
	{[]string{"d-link", "trendnet"}, []pair{{"/live1.sdp", "/live2.sdp"}, {"/play1.sdp", "/play2.sdp"}}},
	{[]string{"tiandy", "milesight", "geovision", "raspberry"}, []pair{{"/main", "/sub"}, {"/1/1", "/1/2"}, {"/cam", ""}}},
}

// common are the paths that many share, the most widespread first; every camera is asked for them in
// the end, so the list is short: each costs an exchange.
var common = []pair{
	{"/Streaming/Channels/101", "/Streaming/Channels/102"},
	{"/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"},
	{"/stream1", "/stream2"},
	{"/live", ""},
	{"/live/ch0", "/live/ch1"},
	{"/live.sdp", "/live2.sdp"},
	{"/h264Preview_01_main", "/h264Preview_01_sub"},
	{"/axis-media/media.amp", ""},
	{"/media/video1", "/media/video2"},
	{"/profile2/media.smp", "/profile3/media.smp"},
	{"/unicast/c1/s0/live", "/unicast/c1/s1/live"},
	{"/11", "/12"},
	{"/main", "/sub"},
	{"/videoMain", "/videoSub"},
	{"/onvif1", "/onvif2"},
	{"/h264", ""},
	{"/video", ""},
	{"/cam", ""},
	{"/h264main", ""},
	{"/0", "/1"},
	{"/unicast", ""},
	{"/", ""},
}

// Paths are where a main stream of that maker may be, its own first, then the common ones, each once.
// The maker is a name as a MAC's prefix or ONVIF tells it, in any case; an empty or unknown one has the
// common paths alone.
func Paths(maker string) (paths []string) {
	maker = strings.ToLower(maker)
	add := func(pairs []pair) {
		for _, p := range pairs {
			if !slices.Contains(paths, p.main) {
				paths = append(paths, p.main)
			}
		}
	}
	for _, m := range makers {
		if slices.ContainsFunc(m.words, func(w string) bool { return hasWord(maker, w) }) {
			add(m.paths)
		}
	}
	add(common)
	return paths
}

// hasWord says whether a maker's name has a word that begins like this one: "Axis Communications AB"
// has axis, "Praxis" has not.
func hasWord(maker, word string) bool {
	for rest, from := maker, 0; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		if at := from + i; at == 0 || !letter(maker[at-1]) {
			return true
		}
		from += i + 1
		rest = maker[from:]
	}
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }

// Sub is where the sub stream of a main stream's path is; empty if none is known.
func Sub(main string) string {
	for _, m := range makers {
		for _, p := range m.paths {
			if p.main == main && p.sub != "" {
				return p.sub
			}
		}
	}
	for _, p := range common {
		if p.main == main && p.sub != "" {
			return p.sub
		}
	}
	return ""
}
