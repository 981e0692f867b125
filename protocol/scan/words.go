package scan

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Bounds on names from outside, in bytes.
const (
	MaxName  = 128 // a camera, an object
	MaxLabel = 64
)

// Name is a string that may serve as a name: white space around it removed, 1 to limit bytes, every
// character printable and valid. False for anything else.
func (v Value) Name(limit int) (string, bool) {
	if v.Kind() != Text || len(v.raw) > 6*limit+64 { // an escape is at most six bytes a byte
		return "", false
	}
	t, _ := v.Text()
	return Name(t, limit)
}

// Name says whether t may serve as a name, and returns it without the white space around it.
func Name(t string, limit int) (string, bool) {
	t = strings.TrimSpace(t)
	if t == "" || len(t) > limit {
		return "", false
	}
	for _, r := range t {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return "", false
		}
	}
	return t, true
}

// latestStamp is the end of the year 9999 in Unix seconds.
const latestStamp = 253402300799

// Stamp is a time on the sender's clock: Unix seconds as a number or as a string, or RFC 3339. The
// zero time if it is none of these, or not after 1970: a stamp that cannot be read counts as
// missing (SPEC §2 "Time", P13), so that a sloppy clock costs no detection and no stop.
func (v Value) Stamp() time.Time {
	seconds, ok := v.Number()
	if v.Kind() == Text && len(v.raw) < 64 {
		t, _ := v.Text()
		t = strings.TrimSpace(t)
		if stamp, err := time.Parse(time.RFC3339Nano, t); err == nil {
			seconds, ok = 0, false
			if stamp.Unix() > 0 && stamp.Unix() < latestStamp {
				return stamp
			}
		} else if f, err := strconv.ParseFloat(t, 64); err == nil {
			seconds, ok = f, true
		}
	}
	if !ok || !(seconds > 0 && seconds < latestStamp) {
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9))
}

// Label is a label as it counts (SPEC §2): a name in lower case, without a "-verified" suffix.
func (v Value) Label() (string, bool) {
	switch string(v.raw) { // the usual ones cost no allocation
	case `"fire"`:
		return "fire", true
	case `"smoke"`:
		return "smoke", true
	}
	name, ok := v.Name(MaxLabel)
	name = strings.TrimSuffix(strings.ToLower(name), "-verified")
	return name, ok && name != ""
}

// Corners reads a box [x1, y1, x2, y2]: four finite numbers, none negative, x1 < x2 and y1 < y2.
// The unit is the sender's.
func (v Value) Corners() (c [4]float64, ok bool) {
	n := 0
	for item := range v.Items() {
		if n == len(c) {
			return c, false
		}
		if c[n], ok = item.Number(); !ok || c[n] < 0 {
			return c, false
		}
		n++
	}
	return c, n == len(c) && c[0] < c[2] && c[1] < c[3] && (c[2]-c[0])*(c[3]-c[1]) > 0
}
