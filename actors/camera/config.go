package camera

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Config is what the cameras read of [consensus] (SPEC §2). The zero value counts nothing.
type Config struct {
	// Window is how far back a sample counts.
	Window time.Duration `key:"detection_window" range:"10s..1800s"`
	// MinConfidence is the least confidence, itself included, 0 to 1.
	MinConfidence float64 `key:"min_confidence" range:"0..1"`
	// MinArea and MaxArea are shares of the frame, themselves included.
	MinArea float64 `key:"min_area_ratio" range:"0..1"`
	MaxArea float64 `key:"max_area_ratio" range:"0..1"`
	// Ratio is how much larger the later half must be than the earlier.
	Ratio float64 `key:"area_increase_ratio" range:"1..5"`
	// Average is w: 2w samples decide at the least.
	Average int `key:"moving_average_window" range:"1..10"`
	// Hold is how long growth must last without a break; 0: not at all.
	Hold time.Duration `key:"growth_hold" range:"0s..120s"`
	// Timeout is how long a camera that is not heard of counts as online.
	Timeout time.Duration `key:"camera_timeout" range:"10s..600s"`
	// Skew is how wrong a sender's clock may be, and how late a sample may rewrite the past.
	Skew time.Duration `key:"max_clock_skew" range:"0s..60s"`
	// Labels count; lower case, without "-verified".
	Labels []string `key:"labels"`
	// MaxCameras, MaxObjects a camera and MaxSamples an object: reached, the oldest goes.
	MaxCameras int `key:"max_cameras" range:"1..10000"`
	MaxObjects int `key:"max_objects" range:"1..1000"`
	MaxSamples int `key:"max_samples" range:"20..10000"`
}

// Names is what the section [cameras] says of single cameras: what cannot be learned of them.
type Names struct {
	// Known is cameras.<name>, by the name that the NVR uses.
	Known map[string]Known `key:"*"`
}

// Known is what an operator says of one camera.
type Known struct {
	// Detect is the size of the detect stream, "1280x720"; empty: not said.
	Detect string `key:"detect" len:"0..16"`
	// Aliases are further names of the same camera.
	Aliases []string `key:"aliases"`
	// MAC is its hardware address in any usual form; empty: not said.
	MAC string `key:"mac" len:"0..17"`
}

// cadence is how often Frigate reports an object at best while it is not asked (SPEC §2).
const cadence = 5 * time.Second

// Check finds what the ranges of single keys cannot.
func (c Config) Check() (found []protocol.Mistake) {
	if c.MinArea >= c.MaxArea {
		found = append(found, protocol.Mistake{Key: "min_area_ratio", Value: number(c.MinArea),
			Allowed: "below max_area_ratio (" + number(c.MaxArea) + ")"})
	}
	if len(c.Labels) == 0 {
		found = append(found, protocol.Mistake{Key: "labels", Value: "[]",
			Allowed: "at least one label: without one nothing is fire"})
	}
	for _, label := range c.Labels {
		if plain(label) == "" {
			found = append(found, protocol.Mistake{Key: "labels", Value: strconv.Quote(label),
				Allowed: "words as the detector says them"})
		}
	}
	if fit := int(c.Window / cadence); fit < 2*c.Average {
		found = append(found, protocol.Mistake{Key: "detection_window", Value: c.Window.String(),
			Allowed: fmt.Sprintf("at least %v for %d samples: Frigate's events come 5s apart and "+
				"alone show no growth", time.Duration(2*c.Average)*cadence, 2*c.Average), Warning: true})
	}
	return found
}

// Check finds names that stand for two cameras, and addresses and sizes that are none.
func (n Names) Check() (found []protocol.Mistake) {
	owner := make(map[string]string)
	claim := func(name, key, value string) {
		if other, taken := owner[value]; taken && other != name {
			found = append(found, protocol.Mistake{Key: name + "." + key, Value: value,
				Allowed: "a name of one camera: it is " + other + "'s too"})
			return
		}
		owner[value] = name
	}
	names := make([]string, 0, len(n.Known))
	for name := range n.Known {
		names = append(names, name)
		owner[canonical(name)] = name
	}
	slices.Sort(names)
	for _, name := range names {
		k := n.Known[name]
		if _, _, ok := ParseSize(k.Detect); k.Detect != "" && !ok {
			found = append(found, protocol.Mistake{Key: name + ".detect", Value: k.Detect,
				Allowed: `width x height in pixels, as "1280x720"`})
		}
		if mac, ok := protocol.ParseMAC(k.MAC); ok {
			claim(name, "mac", mac)
		} else if k.MAC != "" {
			found = append(found, protocol.Mistake{Key: name + ".mac", Value: k.MAC,
				Allowed: `six bytes, as "aa:bb:cc:dd:ee:ff"`})
		}
		for _, alias := range k.Aliases {
			claim(name, "aliases", canonical(alias))
		}
	}
	return found
}

// ParseSize reads "1280x720"; each side is 1 to 65535 pixels.
func ParseSize(s string) (width, height int, ok bool) {
	w, h, found := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "x")
	a, errA := strconv.ParseUint(strings.TrimSpace(w), 10, 16)
	b, errB := strconv.ParseUint(strings.TrimSpace(h), 10, 16)
	return int(a), int(b), found && errA == nil && errB == nil && a > 0 && b > 0
}

// SmallestGrowth says for `check` the smallest growth a minute that the settings can see: the
// middles of the two halves lie half a window apart.
func SmallestGrowth(c Config) string {
	half := c.Window / 2
	if half <= 0 || c.Ratio < 1 {
		return "no growth can be seen"
	}
	factor := math.Pow(c.Ratio, float64(time.Minute)/float64(half))
	return fmt.Sprintf("area x%s a minute (x%s in %v, for %v without a break)",
		number(math.Round(factor*100)/100), number(c.Ratio), half, c.Hold)
}

// plain is a label as it is compared.
func plain(label string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(label)), "-verified")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
