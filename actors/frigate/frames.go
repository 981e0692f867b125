package frigate

import (
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// fragmentGap is how long a new object may continue an old one by overlap (SPEC §2 "Fragments").
// For so long after a change of scale no boxes are told: a box in the new scale must not continue
// an object in the old.
const fragmentGap = 30 * time.Second

// assumed are the frames taken for a camera of unknown size: the first, until a box does not fit.
var assumed = []wire.Size{{Width: 1280, Height: 720}, {Width: 1920, Height: 1080},
	{Width: 2560, Height: 1440}, {Width: 3840, Height: 2160}}

// stated is the size that Frigate or, lacking that, the operator gave.
func (m *Machine) stated(camera string) (wire.Size, bool) {
	if s, ok := m.sizes[camera]; ok {
		return s, true
	}
	s, ok := m.rules.Detect[camera]
	return s, ok
}

// frameFor is the frame by which e is measured; false if e does not fit into the frame of that
// camera. c is nil for a camera that is not known yet.
func (m *Machine) frameFor(c *camera, name string, e wire.Event) (wire.Size, bool) {
	if s, ok := m.stated(name); ok {
		return s, holds(s, e)
	}
	least := assumed[0]
	if c != nil && c.frame != (wire.Size{}) {
		least = c.frame
	}
	if holds(least, e) {
		return least, true
	}
	for _, s := range assumed {
		if s.Pixels() > least.Pixels() && holds(s, e) {
			return s, true
		}
	}
	return least, false
}

// holds says whether the event's box and area lie inside the frame.
func holds(s wire.Size, e wire.Event) bool {
	return e.Box[2] <= float64(s.Width) && e.Box[3] <= float64(s.Height) && e.Area <= s.Pixels()
}

// measureBy notes the frame that the camera is measured by from now on.
func (m *Machine) measureBy(c *camera, frame wire.Size, now time.Time) {
	if c.frame != frame {
		if c.frame != (wire.Size{}) {
			c.rescaled = now
		}
		c.frame = frame
		m.guessed(c, now)
	}
}

// guessed finds out whether the camera's frame is a guess, and has it looked up and warned of.
func (m *Machine) guessed(c *camera, now time.Time) {
	_, known := m.stated(c.name)
	c.guessed = !known
	if c.guessed {
		m.wantFetch(now, false)
	}
	m.warn()
}

// namedInWarning bounds the warning: names come from outside.
const namedInWarning = 10

// warn says of which cameras the frame is a guess, once per camera; not before Frigate, where it
// can be asked, has been.
func (m *Machine) warn() {
	if m.rules.HasAPI && !m.fetch.tried {
		return
	}
	var names []string
	for _, c := range m.cameras {
		if c.guessed {
			names = append(names, c.name+" ("+c.frame.String()+")")
		}
	}
	slices.Sort(names)
	if len(names) > namedInWarning {
		names = append(names[:namedInWarning], "others")
	}
	text := strings.Join(names, ", ")
	if text == m.guessing {
		return
	}
	m.guessing = text
	f := protocol.Fault{Code: "frigate_frame_size", Cleared: text == ""}
	if text != "" {
		f.Text = "size of the detect stream not known, taken for: " + text +
			"; areas may be wrong: set frigate.api or cameras.<name>.detect"
	}
	m.tell(f)
}
