// Package nvr writes the part of an NVR's configuration that says which cameras there are: Frigate's
// go2rtc.streams and cameras, in the YAML that all of its releases 0.14 to 0.17 accept.
//
// It promises:
//   - the same cameras give the same text, whatever their order;
//   - only keys that each of these releases knows: Frigate refuses to start over one that it does not
//     (so the friendly name, a key of 0.17 alone, is a comment);
//   - whatever a camera says of itself can break neither the YAML nor Frigate's substitution of
//     variables: names, addresses and comments are made of characters that have no meaning there.
//
// It must never write a user or a password: a login is two variables that the owner sets.
package nvr

import (
	"slices"
	"strings"
	"unicode"

	"wildfire-watch/protocol"
)

// Bounds on what is written.
const (
	MaxCameras = 1000 // further ones are left out, and a comment says how many
	maxURL     = 1000 // bytes; Frigate itself refuses to look at more
	maxComment = 64   // characters of one thing that a camera says of itself
)

// Camera is one camera to hand over.
type Camera struct {
	// Name is the camera's name in Frigate; characters that Frigate does not allow become "_". Empty:
	// CameraName of its MAC.
	Name string
	// Friendly is how people call it.
	Friendly, MAC, IP, Maker, Model string
	// Streams are as discovery has them, the main stream first. Without one the camera is a comment.
	Streams []protocol.Stream
	// HasLogin says that the camera wants a login.
	HasLogin bool
	// LoginVar ends the names of the two variables that hold the login; cameras that share a login
	// share it. It is no secret. Empty: the camera's own name.
	LoginVar string
}

// Filters are what Frigate is to look for (SPEC §2).
type Filters struct {
	// Labels are [consensus] labels; empty: fire and smoke.
	Labels []string
	// MinConfidence is [consensus] min_confidence, 0 to 1: Frigate's threshold. Its min_score is 5/7 of
	// it, the proportion of Frigate's own defaults: a flame that flickers below the threshold stays
	// one object.
	MinConfidence float64
	// MinArea is [consensus] min_area_ratio, a share of the frame. It is written in pixels, rounded
	// down, where the frame's size is known: shares are not read before 0.16. There is no largest
	// area: a followed fire that fills the frame must stay a fire (SPEC §2 "Oversize"), and Frigate
	// would drop it.
	MinArea float64
}

// CameraName is the name in Frigate that stays a camera's own: cam_4419b60a0001 for the MAC
// 44:19:b6:0a:00:01. Without a MAC it is made of what is given instead, an address.
func CameraName(mac string) string {
	s := strings.Map(func(r rune) rune {
		if r == ':' || r == '-' {
			return -1
		}
		return r
	}, strings.ToLower(mac))
	if !isHex(s) {
		s = mac
	}
	return "cam_" + nameOf(s)
}

func isHex(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789abcdef") == ""
}

// maxName is how long a name may be; Frigate makes folders of it.
const maxName = 64

// nameOf is s with every character replaced that Frigate does not allow (^[a-zA-Z0-9_-]+$).
func nameOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-') {
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), maxName)]
}

// named is a camera with the names that it has in the text.
type named struct {
	Camera
	name           string // of the camera and of its main stream
	sub            string // of the stream to detect in
	user, password string // variables; empty: no login
	record, detect source // the same where there is one stream
	omitted        string // why it cannot be handed over; empty: it can
}

// prepare orders the cameras and gives each its names, no two alike.
func prepare(cameras []Camera) (all []named, left int) {
	for _, c := range cameras {
		n := named{Camera: c, name: nameOf(c.Name)}
		if n.name == "" {
			n.name = CameraName(c.MAC)
			if c.MAC == "" {
				n.name = CameraName(c.IP)
			}
		}
		all = append(all, n)
	}
	slices.SortStableFunc(all, before)
	if left = len(all) - MaxCameras; left > 0 {
		all = all[:MaxCameras]
	}
	taken := make(map[string]bool)
	for i := range all {
		all[i].name = free(taken, all[i].name)
	}
	for i := range all {
		c := &all[i]
		c.choose()
		if c.HasLogin && c.omitted == "" {
			suffix := c.LoginVar
			if suffix == "" {
				suffix = strings.TrimPrefix(c.name, "cam_")
			}
			suffix = strings.ReplaceAll(strings.ToUpper(nameOf(suffix)), "-", "_")
			c.user, c.password = "FRIGATE_RTSP_USER_"+suffix, "FRIGATE_RTSP_PASSWORD_"+suffix
		}
		if c.record != c.detect {
			c.sub = free(taken, c.name+"_sub")
		}
	}
	return all, max(0, left)
}

// before is the order of cameras in the text.
func before(a, b named) int {
	first := func(n named) string {
		if len(n.Streams) == 0 {
			return ""
		}
		return n.Streams[0].URL
	}
	return cmpAll([...]string{a.name, a.MAC, a.IP, first(a), a.Friendly, a.LoginVar},
		[...]string{b.name, b.MAC, b.IP, first(b), b.Friendly, b.LoginVar})
}

func cmpAll(a, b [6]string) int { return slices.Compare(a[:], b[:]) }

// free is the name, or the name with the lowest number behind it that nobody has. Frigate's files
// know no case.
func free(taken map[string]bool, name string) string {
	got := name
	for n := 2; taken[strings.ToLower(got)]; n++ {
		got = name + "_" + decimal(n)
	}
	taken[strings.ToLower(got)] = true
	return got
}

// Environment lists the variables that Frigate must be given, each once, sorted. Their values are the
// logins, percent-encoded.
func Environment(cameras []Camera) (names []string) {
	all, _ := prepare(cameras)
	return environment(all)
}

func environment(all []named) (names []string) {
	for _, c := range all {
		if c.user != "" {
			names = append(names, c.user, c.password)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
