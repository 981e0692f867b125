// Package frigatepeer is a small stand-in for Frigate, for tests and the demo: fires in, the
// payloads out that Frigate would publish, at the times it would. It has no MQTT and no clock of
// its own; whoever uses it says what time it is.
//
// It promises the cadence that matters: `new` once a fire is sure, an update when the picture
// improves but at most every 5 s, one a minute at least, `end` 5 s after the last sight, and from
// 0.16 on answers to questions. It must never tell more than a Frigate of its release would.
package frigatepeer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Release is a release of Frigate.
type Release int

// The releases played: 0.14 tells events only, 0.16 answers questions too.
const (
	Release014 Release = 14
	Release016 Release = 16
)

// Camera is one camera; the zero size is 1280x720.
type Camera struct {
	Name          string
	Width, Height int
}

// Fire is something that a camera sees.
type Fire struct {
	Camera string
	Label  string // empty: "fire"
	// Begins and Ends count from the scenario's start; Ends zero: it burns on.
	Begins, Ends time.Duration
	// Size is the share of the frame at the beginning, above 0.
	Size float64
	// GrowsIn is when the fire is four times as large (its radius grows evenly, as the t² law
	// says); zero: steady.
	GrowsIn time.Duration
	// Score is the detector's; zero: 0.85.
	Score float64
	// X, Y are the centre in shares of the frame; zero: the middle.
	X, Y float64
}

// Scenario is what happens.
type Scenario struct {
	Release Release
	Cameras []Camera
	Fires   []Fire
	// Noise is the standard deviation of the logarithm of a box's side from frame to frame: 0.1
	// is a common detector, 0 a perfect one.
	Noise float64
	Seed  uint64
}

// Message is one message on a topic under Frigate's prefix; At is when it is published.
type Message struct {
	Topic   string // "events", "camera_activity"
	Payload []byte
	At      time.Time
}

// The cadence, on Frigate's defaults.
const (
	frame      = 200 * time.Millisecond // 5 pictures a second
	lag        = 120 * time.Millisecond // from the picture to the message
	sure       = 3                      // frames until a fire is told
	betterGap  = 5 * time.Second
	leastOften = time.Minute
	lostAfter  = 5 * time.Second
	largest    = 0.95 // share of the frame that a box fills at most
)

// Peer plays a scenario.
type Peer struct {
	scenario Scenario
	start    time.Time
	frames   int // played so far
	cameras  map[string]Camera
	frozen   map[string]bool
	tracked  []*object
	noise    *rand.Rand
}

// object is what the tracker follows: one fire.
type object struct {
	fire           Fire
	id             string
	frames         int
	now, before    state
	best, bestArea float64
	told           time.Time
	toldState      state
	ended          bool
}

// state is an object at one picture.
type state struct {
	at    time.Time
	score float64
	box   [4]int
}

func (s state) area() int { return (s.box[2] - s.box[0]) * (s.box[3] - s.box[1]) }

// New makes a peer whose scenario begins at start, which is on Frigate's clock.
func New(s Scenario, start time.Time) *Peer {
	p := &Peer{scenario: s, start: start, cameras: make(map[string]Camera),
		frozen: make(map[string]bool), noise: rand.New(rand.NewPCG(s.Seed, 7))}
	for _, c := range s.Cameras {
		if c.Width == 0 || c.Height == 0 {
			c.Width, c.Height = 1280, 720
		}
		p.cameras[c.Name] = c
	}
	for i, f := range s.Fires {
		if f.Label == "" {
			f.Label = "fire"
		}
		if f.Score == 0 {
			f.Score = 0.85
		}
		if f.X == 0 && f.Y == 0 {
			f.X, f.Y = 0.5, 0.5
		}
		id := fmt.Sprintf("%d.25-fire%02d", start.Add(f.Begins).Unix(), i)
		p.tracked = append(p.tracked, &object{fire: f, id: id})
	}
	return p
}

// Freeze takes a camera's stream away: its objects neither change nor end, and answers go on
// listing them.
func (p *Peer) Freeze(camera string) { p.frozen[camera] = true }

// Advance plays until now and returns the events published meanwhile, in order.
func (p *Peer) Advance(now time.Time) (events []Message) {
	for {
		at := p.start.Add(time.Duration(p.frames) * frame)
		if at.Add(lag).After(now) {
			return events
		}
		p.frames++
		for _, o := range p.tracked {
			camera, known := p.cameras[o.fire.Camera]
			if !known || p.frozen[o.fire.Camera] || o.ended {
				continue
			}
			if kind := p.look(o, camera, at); kind != "" {
				payload := p.event(kind, o)
				events = append(events, Message{"events", payload, at.Add(lag)})
				o.told, o.toldState = at, o.now
			}
		}
	}
}

// look takes the picture at an instant and says which event it makes, if any.
func (p *Peer) look(o *object, c Camera, at time.Time) string {
	age := at.Sub(p.start) - o.fire.Begins
	if age < 0 {
		return ""
	}
	if o.fire.Ends > 0 && at.Sub(p.start) >= o.fire.Ends {
		if o.frames < sure {
			o.ended = true
		} else if at.Sub(o.now.at) >= lostAfter {
			o.ended = true
			return "end"
		}
		return ""
	}
	o.frames++
	o.before, o.now = o.now, state{at, p.score(o), p.box(o.fire, c, age)}
	area := float64(o.now.area())
	better := o.now.score > o.best+0.05 || area > 1.1*o.bestArea
	if better && o.frames >= sure {
		o.best, o.bestArea = o.now.score, area
	}
	switch {
	case o.frames < sure:
		return ""
	case o.frames == sure:
		return "new"
	case o.frames == sure+1 && p.scenario.Release >= Release016:
		return "update"
	case better && at.Sub(o.told) > betterGap || at.Sub(o.told) > leastOften:
		return "update"
	}
	return ""
}

func (p *Peer) score(o *object) float64 {
	s := o.fire.Score + p.scenario.Noise/2*p.noise.NormFloat64()
	return math.Round(1e6*math.Min(math.Max(s, 0.5), 0.99)) / 1e6
}

// box is a square around the fire's centre, moved so that it lies inside the frame.
func (p *Peer) box(f Fire, c Camera, age time.Duration) [4]int {
	share := f.Size
	if f.GrowsIn > 0 {
		r := 1 + age.Seconds()/f.GrowsIn.Seconds()
		share *= r * r
	}
	share = math.Min(share, largest)
	side := math.Sqrt(share * float64(c.Width) * float64(c.Height))
	jitter := func() float64 { return math.Exp(p.scenario.Noise * p.noise.NormFloat64()) }
	w := min(side*jitter(), largest*float64(c.Width))
	h := min(side*side/w*jitter(), largest*float64(c.Height))
	left := min(max(f.X*float64(c.Width)-w/2, 0), float64(c.Width)-w)
	top := min(max(f.Y*float64(c.Height)-h/2, 0), float64(c.Height)-h)
	return [4]int{int(left), int(top), int(left) + max(2, int(w)), int(top) + max(2, int(h))}
}

// Answer is the answer to a question on onConnect at this instant; false for a release that answers
// none. Call Advance first.
func (p *Peer) Answer(now time.Time) (Message, bool) {
	if p.scenario.Release < Release016 {
		return Message{}, false
	}
	return Message{"camera_activity", p.activity(), now}, true
}
