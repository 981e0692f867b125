package nvr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// detectFPS is Frigate's own default: its tracker and ours count on it.
const detectFPS = 5

const heading = `# Cameras found by Wildfire Watch, for Frigate 0.14 to 0.17. Take go2rtc.streams and cameras over into
# Frigate's configuration. Frigate's model must know the labels: %s.
`

const needed = `# Logins are variables of Frigate's environment, or Docker secrets of these names. go2rtc serves no
# camera at all while one of them is missing. Percent-encode in their values what is neither letter
# nor digit (@ is %40):
`

// Config is the YAML document. It ends with a line feed and is ASCII but for comments.
func Config(cameras []Camera, f Filters) []byte {
	all, left := prepare(cameras)
	labels := f.labels()
	var b bytes.Buffer
	fmt.Fprintf(&b, heading, strings.Join(labels, ", "))
	if names := environment(all); len(names) > 0 {
		b.WriteString(needed)
		for _, name := range names {
			fmt.Fprintf(&b, "#   %s\n", name)
		}
	}
	for _, c := range all {
		if c.omitted != "" {
			fmt.Fprintf(&b, "# Left out: %s (%s): %s.\n", c.name, c.about(), c.omitted)
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "# Left out: %d more cameras; at most %d are written.\n", left, MaxCameras)
	}
	all = slices.DeleteFunc(all, func(c named) bool { return c.omitted != "" })
	if len(all) == 0 {
		b.WriteString("go2rtc:\n  streams: {}\ncameras: {}\n")
		return b.Bytes()
	}
	b.WriteString("go2rtc:\n  streams:\n")
	for _, c := range all {
		c.streams(&b)
	}
	b.WriteString("cameras:\n")
	for _, c := range all {
		c.camera(&b, f, labels)
	}
	return b.Bytes()
}

// streams writes what go2rtc opens.
func (c named) streams(b *bytes.Buffer) {
	fmt.Fprintf(b, "    %s:\n      - %q\n", key(c.name), c.record.address(c.user, c.password))
	if c.sub != "" {
		fmt.Fprintf(b, "    %s:\n      - %q\n", key(c.sub), c.detect.address(c.user, c.password))
	}
}

// camera writes one camera. What is not written is Frigate's default in each release: recordings of
// what happened are kept 10 days, snapshots too.
func (c named) camera(b *bytes.Buffer, f Filters, labels []string) {
	fmt.Fprintf(b, "  %s: # %s\n", key(c.name), c.about())
	for _, note := range c.notes() {
		fmt.Fprintf(b, "    # %s\n", note)
	}
	b.WriteString("    ffmpeg:\n      inputs:\n")
	if c.sub == "" {
		input(b, c.name, "detect, record")
	} else {
		input(b, c.sub, "detect")
		input(b, c.name, "record")
	}
	width, height := c.detect.frame()
	size := ""
	if width > 0 {
		size = fmt.Sprintf(", width: %d, height: %d", width, height)
	}
	fmt.Fprintf(b, "    detect: {enabled: true%s, fps: %d}\n", size, detectFPS)
	quoted := make([]string, len(labels))
	for i, label := range labels {
		quoted[i] = scalar(label)
	}
	list := strings.Join(quoted, ", ")
	fmt.Fprintf(b, "    objects:\n      track: [%s]\n      filters:\n", list)
	for _, label := range quoted {
		fmt.Fprintf(b, "        %s: {%s}\n", label, f.filter(width*height))
	}
	fmt.Fprintf(b, "    review: {alerts: {labels: [%s]}}\n", list)
	b.WriteString("    snapshots: {enabled: true}\n    record: {enabled: true}\n")
}

// input reads a stream from go2rtc, so that the camera itself is opened once.
func input(b *bytes.Buffer, stream, roles string) {
	fmt.Fprintf(b, "        - path: rtsp://127.0.0.1:8554/%s\n", stream)
	fmt.Fprintf(b, "          input_args: preset-rtsp-restream\n          roles: [%s]\n", roles)
}

// labels are those to track, without "-verified", sorted as they were configured, each once.
func (f Filters) labels() (labels []string) {
	for _, label := range f.Labels {
		label = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(label)), "-verified")
		if label != "" && printable(label) == label && !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	if len(labels) == 0 {
		return []string{"fire", "smoke"}
	}
	return labels
}

// filter is the filter of a label in a frame of so many pixels; 0: not known.
func (f Filters) filter(pixels int) string {
	threshold := min(max(f.MinConfidence, 0), 1) // NaN stays NaN
	if math.IsNaN(threshold) {
		threshold = 0
	}
	text := fmt.Sprintf("min_score: %s, threshold: %s", number(threshold*5/7), number(threshold))
	if least := int(math.Floor(min(max(f.MinArea, 0), 1) * float64(pixels))); least > 0 {
		text += fmt.Sprintf(", min_area: %d", least)
	}
	return text
}

// number writes a share with a point, at most two digits behind it, rounded down: Frigate must not be
// stricter than we are.
func number(x float64) string {
	s := strconv.FormatFloat(math.Floor(x*100+1e-9)/100, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// about is what people know the camera by, for a comment.
func (c named) about() string {
	var parts []string
	for _, s := range []string{c.Friendly, strings.TrimSpace(printable(c.Maker) + " " + printable(c.Model)), c.MAC, c.IP} {
		if s = printable(s); s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return "nothing else is known of it"
	}
	return strings.Join(parts, ", ")
}

// notes are what the owner should know of the camera's streams.
func (c named) notes() (notes []string) {
	is := func(s source, codec string) bool { return strings.EqualFold(s.stream.Codec, codec) }
	if is(c.record, "H265") {
		notes = append(notes, "Records H265: small, but not every browser plays it.")
	}
	if is(c.detect, "H265") {
		notes = append(notes, "Detects in H265: see that Frigate decodes it in hardware, or set the camera's sub stream to H264.")
	}
	if c.record.stream.UDPOnly || c.detect.stream.UDPOnly {
		notes = append(notes, "Sends over UDP alone: Frigate's container needs the host's network (network_mode: host).")
	}
	if !c.record.recordable() || !c.detect.recordable() {
		notes = append(notes, "Encoded anew by go2rtc: set the camera to H264 to save a core.")
	}
	if width, _ := c.detect.frame(); width == 0 {
		notes = append(notes, "The size of its picture is not known: Frigate finds it out when it starts.")
	} else if width < c.detect.stream.Width-1 {
		notes = append(notes, "Detects in a smaller picture than it sends: a sub stream of up to 1280x720 would cost less.")
	}
	return notes
}

// printable is s as it may stand in a comment: printable characters alone, and not too many.
func printable(s string) string {
	kept := make([]rune, 0, maxComment)
	for _, r := range strings.TrimSpace(s) {
		if len(kept) == maxComment {
			break
		}
		if r != unicode.ReplacementChar && unicode.IsPrint(r) {
			kept = append(kept, r)
		}
	}
	return strings.TrimSpace(string(kept))
}

// meant are words that YAML 1.1 reads as something else than a text.
var meant = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// scalar is a text as a YAML value or key.
func scalar(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == "" && s[0] != '_' && !slices.Contains(meant, s) {
		return s
	}
	quoted, _ := json.Marshal(s) // JSON's strings are YAML's
	return string(quoted)
}

// key is a name as a YAML key: one that could be a number or a truth value is quoted.
func key(name string) string {
	if first := name[0] | 0x20; 'a' <= first && first <= 'z' && !slices.Contains(meant, strings.ToLower(name)) {
		return name
	}
	return strconv.Quote(name)
}

func decimal(n int) string { return strconv.Itoa(n) }
