package nvr

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// source is one stream as go2rtc gets it.
type source struct {
	stream protocol.Stream
	// scheme, and what follows the login: host, path and query, made of harmless characters.
	scheme, rest string
}

// Frames that are given to detection: larger ones are halved until they fit, because every pixel of
// them is decoded, scaled and compared on the NVR's processor. The sides stay even, as the picture
// format (yuv420p) wants.
const (
	largestDetect = 1920 * 1088 // pixels
	// properDetect is what Frigate's manual calls enough for detection. The largest stream up to it
	// is the one to detect in: far smoke is a few pixels.
	properDetect = 1280 * 736
	maxSide      = 1 << 14
)

// choose finds the streams to record and to detect in.
func (c *named) choose() {
	var usable []source
	for _, s := range c.Streams[:min(len(c.Streams), maxStreams)] {
		if made, ok := sourceOf(s); ok {
			usable = append(usable, made)
		}
	}
	switch {
	case len(c.Streams) == 0 && c.HasLogin:
		c.omitted = "no stream is known: its login is missing in cameras.credentials_file"
	case len(c.Streams) == 0:
		c.omitted = "no stream is known"
	case len(usable) == 0:
		c.omitted = "none of its streams has an address that can be written"
	}
	if c.omitted != "" {
		return
	}
	c.record = usable[0]
	for _, s := range usable[1:] {
		if s.recordable() && !c.record.recordable() {
			c.record = s // recording copies the stream: an MP4 holds no JPEG pictures
		}
	}
	c.detect = c.record
	for _, s := range usable {
		if s != c.record && c.detects(s) {
			c.detect = s
		}
	}
}

// maxStreams bounds what is looked at of one camera.
const maxStreams = 16

// detects says whether s is better to detect in than what was chosen so far.
func (c *named) detects(s source) bool {
	now, than := s.pixels(), c.detect.pixels()
	switch {
	case s.recordable() != c.detect.recordable():
		return s.recordable() // otherwise go2rtc must encode it anew
	case now == 0 || than == 0:
		return c.detect == c.record // a second stream of unknown size is the sub stream by all habit
	case than > properDetect:
		return now < than
	}
	return now > than && now <= properDetect && c.detect != c.record
}

func (s source) pixels() int {
	if !s.sized() {
		return 0
	}
	return s.stream.Width * s.stream.Height
}

func (s source) sized() bool {
	w, h := s.stream.Width, s.stream.Height
	return w > 1 && h > 1 && w <= maxSide && h <= maxSide
}

// recordable says whether the stream can be copied as it is. A codec that is not known is taken for
// one that can.
func (s source) recordable() bool {
	switch strings.ToUpper(s.stream.Codec) {
	case "JPEG", "MJPEG", "MPEG4":
		return false
	}
	return true
}

// frame is the size to detect in; zero if the stream's is not known.
func (s source) frame() (width, height int) {
	if !s.sized() {
		return 0, 0
	}
	width, height = s.stream.Width, s.stream.Height
	for width*height > largestDetect {
		width, height = width/2, height/2
	}
	return width &^ 1, height &^ 1
}

// sourceOf reads a stream's address. Whatever login it holds is dropped.
func sourceOf(s protocol.Stream) (source, bool) {
	u, err := url.Parse(s.URL)
	if err != nil || len(s.URL) > maxURL || u.Opaque != "" {
		return source{}, false
	}
	scheme := strings.ToLower(u.Scheme)
	host, ok := hostOf(u)
	if !ok || scheme != "rtsp" && scheme != "rtsps" {
		return source{}, false
	}
	rest := host + harmless(u.EscapedPath())
	if u.RawQuery != "" {
		rest += "?" + harmless(u.RawQuery)
	}
	s.FPS = 0 // not written, and one that is no number would make a stream differ from itself
	return source{s, scheme, rest}, len(rest) <= maxURL
}

// hostOf is host and port, or false if they are not plainly that.
func hostOf(u *url.URL) (string, bool) {
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", false
		}
		if host = ip.String(); ip.Is6() {
			host = "[" + host + "]"
		}
	} else if host == "" || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return "", false
	}
	if u.Port() == "" {
		return host, true
	}
	n, err := strconv.Atoi(u.Port())
	return host + ":" + u.Port(), err == nil && n > 0 && n <= 65535
}

// harmless percent-encodes everything that means something to YAML, to Frigate's substitution ({}),
// to go2rtc's (${}), to its options (#) or to its command lines ('" and space).
func harmless(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/?:@!&()*+,;="
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		encoded := c == '%' && i+2 < len(s) && isHexDigit(s[i+1]) && isHexDigit(s[i+2])
		if encoded || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)+256, 16)[1:]))
	}
	return b.String()
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// address is the stream as go2rtc opens it. go2rtc's own client speaks TCP alone (up to the one in
// 0.17); over UDP, and to encode anew, it uses ffmpeg.
func (s source) address(user, password string) string {
	login := ""
	if user != "" {
		login = "{" + user + "}:{" + password + "}@"
	}
	at := s.scheme + "://" + login + s.rest
	if !s.stream.UDPOnly && s.recordable() {
		return at
	}
	at = "ffmpeg:" + at
	if s.stream.UDPOnly {
		at += "#input=rtsp/udp"
	}
	if !s.recordable() {
		return at + "#video=h264"
	}
	return at + "#video=copy#audio=copy"
}
