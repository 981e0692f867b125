package rtsp

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// Bounds on a description, besides MaxBody.
const (
	maxSDPLines = 512
	maxMedia    = 16
	maxCodec    = 16      // bytes of a codec's name
	maxSet      = 1 << 10 // bytes of one parameter set
	maxSide     = 16384   // pixels
	maxFPS      = 240
)

// NoSDP is why a body is no description.
const NoSDP protocol.Reject = "not SDP"

// Kind is what a medium carries.
type Kind string

// The kinds that matter (RFC 8866 §5.14).
const (
	Video Kind = "video"
	Audio Kind = "audio"
)

// Medium is one stream of a description.
type Medium struct {
	Kind  Kind
	Codec string // "H264", "H265", "JPEG", "MPEG4"; audio: "PCMA", "AAC", …; empty: not told or unknown
	// Control is its address, whole or below the description's (RFC 2326 §C.1.1).
	Control       string
	Width, Height int     // pixels; 0: not told
	FPS           float64 // frames a second; 0: not told

	payload  string // RTP payload type, the first of its list
	format   string // its fmtp line
	fallback bool   // the size is from an attribute: a parameter set knows better
	inward   bool   // it is sent to the camera: a loudspeaker
}

// Description is what a camera says of its streams.
type Description struct {
	Control string   // of all media together; see Medium.Control
	Media   []Medium // at most 16
}

// First is the first medium of a kind whose codec we know, else the first of that kind.
func (d Description) First(k Kind) (Medium, bool) {
	best, found := Medium{}, false
	for _, m := range d.Media {
		if m.Kind != k || m.inward {
			continue
		}
		if m.Codec != "" {
			return m, true
		}
		if !found {
			best, found = m, true
		}
	}
	return best, found
}

// Alike says whether two video streams cannot be told apart: some cameras answer any path, or ignore
// its query, and describe one stream under many names.
func (m Medium) Alike(o Medium) bool {
	return m.Codec == o.Codec && m.Width == o.Width && m.Height == o.Height && m.format == o.format
}

// ParseSDP reads a description. The error is NoSDP: it does not begin as one.
func ParseSDP(body []byte) (Description, error) {
	text := strings.TrimLeft(string(body[:min(len(body), MaxBody)]), "\ufeff \t\r\n")
	if !strings.HasPrefix(text, "v=0") {
		return Description{}, NoSDP
	}
	d := Description{}
	count := 0
	for l := range strings.SplitSeq(text, "\n") {
		if count++; count > maxSDPLines {
			break
		}
		key, value, ok := strings.Cut(strings.TrimSpace(l), "=")
		if !ok {
			continue
		}
		switch {
		case key == "m" && len(d.Media) == maxMedia:
			return d, nil
		case key == "m":
			d.Media = append(d.Media, medium(value))
		case key == "a" && len(d.Media) > 0:
			d.Media[len(d.Media)-1].attribute(value)
		case key == "a":
			if c, ok := cutPrefixFold(value, "control:"); ok {
				d.Control = control(c)
			}
		}
	}
	return d, nil
}

// static are the payload types that need no rtpmap (RFC 3551 §6).
var static = map[string]string{"0": "PCMU", "3": "GSM", "8": "PCMA", "9": "G722", "10": "L16", "11": "L16",
	"14": "MPA", "26": "JPEG"}

// medium reads an m= line: kind, port, transport, payload types.
func medium(value string) Medium {
	f := strings.Fields(value)
	if len(f) < 4 {
		return Medium{}
	}
	m := Medium{Kind: Kind(strings.ToLower(f[0])), payload: f[3]}
	m.Codec = m.known(static[m.payload])
	return m
}

// names are codecs whose name in an rtpmap is not the one that people use.
var names = map[string]string{"MP4V-ES": "MPEG4", "HEVC": "H265", "MPEG4-GENERIC": "AAC", "MP4A-LATM": "AAC"}

// videoCodecs are the ones that a stream of ours may have.
var videoCodecs = []string{"H264", "H265", "JPEG", "MPEG4"}

// known is the codec by the name that people use; empty for a video codec that nobody here decodes.
func (m Medium) known(name string) string {
	name = strings.ToUpper(name)
	if common, ok := names[name]; ok {
		name = common
	}
	if m.Kind == Video {
		for _, c := range videoCodecs {
			if c == name {
				return c
			}
		}
		return ""
	}
	if len(name) > maxCodec || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '/'
	}) {
		return ""
	}
	return name
}

// attribute reads an a= line of the medium.
func (m *Medium) attribute(text string) {
	name, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "control":
		m.Control = control(value)
	case "sendonly": // the camera listens: its loudspeaker, offered as ONVIF's back channel
		m.inward = m.Kind == Audio
	case "rtpmap":
		if value, ok := m.own(value); ok {
			encoding, _, _ := strings.Cut(value, "/")
			m.Codec = m.known(encoding)
			m.parameters()
		}
	case "fmtp":
		if value, ok := m.own(value); ok {
			m.format = value
			m.parameters()
		}
	case "framerate", "x-framerate":
		if f, err := strconv.ParseFloat(value, 64); err == nil && f > 0 && f <= maxFPS {
			m.FPS = f
		}
	case "x-dimensions": // "1920,1080"
		m.told(strings.Split(value, ","))
	case "framesize": // "96 1920-1080" (RFC 6064 §4.2)
		if value, ok := m.own(value); ok {
			m.told(strings.Split(value, "-"))
		}
	case "cliprect": // "0,0,1080,1920": top, left, bottom, right
		if f := strings.Split(value, ","); len(f) == 4 && strings.TrimSpace(f[0]) == "0" && strings.TrimSpace(f[1]) == "0" {
			m.told([]string{f[3], f[2]})
		}
	}
}

// control is a control attribute that can stand in a URL; empty if it is none.
func control(value string) string {
	if value = strings.TrimSpace(value); len(value) > MaxURL || !visible(value) {
		return ""
	}
	return value
}

// own cuts the payload type off an attribute; false if it is that of another.
func (m *Medium) own(value string) (rest string, ok bool) {
	payload, rest, _ := strings.Cut(value, " ")
	return strings.TrimSpace(rest), payload == m.payload
}

// told takes a size from an attribute, unless a parameter set has said it.
func (m *Medium) told(side []string) {
	if len(side) != 2 || m.Width > 0 && !m.fallback {
		return
	}
	w, err := strconv.Atoi(strings.TrimSpace(side[0]))
	h, err2 := strconv.Atoi(strings.TrimSpace(side[1]))
	if err == nil && err2 == nil && size(w, h) {
		m.Width, m.Height, m.fallback = w, h, true
	}
}

func size(w, h int) bool { return w > 0 && h > 0 && w <= maxSide && h <= maxSide }

// parameters reads the parameter sets once both codec and format are known, in whatever order.
func (m *Medium) parameters() {
	var field string
	switch m.Codec {
	case "H264":
		field = "sprop-parameter-sets" // RFC 6184 §8.1
	case "H265":
		field = "sprop-sps" // RFC 7798 §7.1
	default:
		return
	}
	for part := range strings.SplitSeq(m.format, ";") {
		value, ok := cutPrefixFold(strings.TrimSpace(part), field+"=")
		if !ok {
			continue
		}
		for text := range strings.SplitSeq(strings.Trim(value, `"`), ",") {
			if len(text) > 2*maxSet {
				continue
			}
			set, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
			if err == nil && len(set) <= maxSet && m.set(set) {
				return
			}
		}
	}
}

// set reads a sequence parameter set; false if it is none, or says nothing possible.
func (m *Medium) set(set []byte) bool {
	w, h, fps, err := picture(m.Codec, set)
	if err != nil || !size(w, h) {
		return false
	}
	m.Width, m.Height, m.fallback = w, h, false
	if m.FPS == 0 && fps > 0 && fps <= maxFPS {
		m.FPS = math.Round(fps*1000) / 1000
	}
	return true
}
