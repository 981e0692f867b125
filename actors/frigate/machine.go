package frigate

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// Rules are what the machine decides by.
type Rules struct {
	// Labels are those that are fire: lower case, without "-verified".
	Labels []string
	// AskTopic is where Frigate is asked, with its prefix; AskInterval how often, 0: never.
	AskTopic    string
	AskInterval time.Duration
	// Detect is the operator's word on the size of a camera's detect stream.
	Detect map[string]wire.Size
	// HasAPI: Frigate's configuration can be fetched.
	HasAPI bool
	// MaxCameras and MaxObjects (a camera) bound what is remembered; at least 1.
	MaxCameras, MaxObjects int
}

// counts says whether a label is fire.
func (r Rules) counts(label string) bool { return slices.Contains(r.Labels, label) }

// The inputs of Step.
type (
	// Saw is an event; Arrived is monotonic, Wall our wall clock at the same instant.
	Saw struct {
		Event         wire.Event
		Arrived, Wall time.Time
	}
	// Answered is an activity answer, to a question of ours or of somebody else.
	Answered struct {
		Cameras       []wire.CameraActivity
		Arrived, Wall time.Time
	}
	// Available is Frigate's own word on whether it runs.
	Available struct{ Word string }
	// Connected: the broker is there again; what happened meanwhile was not heard.
	Connected struct{}
	// Fetched is the end of a Fetch: the sizes and the hosts by camera, or the problem.
	Fetched struct {
		Detect  map[string]wire.Size
		Hosts   map[string][]string
		Problem string
	}
	// Counted is a message of figures.
	Counted struct {
		Cameras []wire.CameraStats
		Version string
	}
	// Reported is the status of a camera.
	Reported struct {
		Camera string
		Status wire.Status
	}
	// Looked is the end of a Look: the picture's print and its size in bytes, or the problem.
	Looked struct {
		Camera  string
		Print   Print
		Size    int
		Problem string
	}
	// Woke: the deadline named by Until has come.
	Woke struct{}
)

// Fetch is the outcome that asks for Frigate's configuration; Fetched answers it. Look asks for the
// newest picture of a camera; Looked answers it.
type (
	Fetch struct{}
	Look  struct{ Camera string }
)

// Print tells two pictures apart: equal prints are equal bytes.
type Print [32]byte

// Machine is what is known of Frigate's cameras and their fire and smoke objects. One actor owns
// it.
type Machine struct {
	rules   Rules
	cameras map[string]*camera
	// followed are the objects that are worth a question.
	followed map[*object]bool
	surveys  int // questions due though no object is known
	asked    time.Time
	answers  uint64 // number of the newest answer
	sizes    map[string]wire.Size
	fetch    fetching
	offline  bool
	guessing string // the cameras last warned of
	witness  witness
	whole    whole
	out      []any
}

// camera is one camera as Frigate names it.
type camera struct {
	name    string
	objects map[string]*object
	heard   time.Time // the newest event
	told    time.Time // the newest CameraHeard of ours
	// frame is what boxes are measured by; guessed: neither Frigate nor the operator said it.
	frame    wire.Size
	guessed  bool
	rescaled time.Time // when frame last changed; zero: never
}

// NewMachine makes a machine that knows nothing yet.
func NewMachine(r Rules) *Machine {
	return &Machine{rules: r, cameras: make(map[string]*camera), followed: make(map[*object]bool),
		witness: witness{cameras: make(map[string]*watched)}}
}

// Step takes one input at the monotonic instant now and returns what follows from it, in order:
// messages of package protocol, Fetch and Look. The result is valid until the next Step.
func (m *Machine) Step(in any, now time.Time) []any {
	m.out = m.out[:0]
	switch in := in.(type) {
	case Saw:
		m.saw(in, now)
	case Answered:
		m.answered(in, now)
	case Available:
		m.available(in.Word, now)
	case Connected:
		m.survey(now)
	case Fetched:
		m.fetched(in, now)
	case Counted:
		m.counted(in, now)
	case Reported:
		m.reported(in, now)
	case Looked:
		m.looked(in, now)
	}
	m.ask(now)
	m.fetchIfDue(now)
	m.watchOver(now)
	m.tellWhole(in, now)
	return m.out
}

// Until is the next instant at which something is due by itself; zero: nothing is.
func (m *Machine) Until() time.Time {
	until := m.fetch.until()
	if next := m.witness.until; !next.IsZero() && (until.IsZero() || next.Before(until)) {
		until = next
	}
	if next := m.whole.until(); !next.IsZero() && (until.IsZero() || next.Before(until)) {
		until = next
	}
	if m.rules.AskInterval > 0 && (len(m.followed) > 0 || m.surveys > 0) {
		if next := m.asked.Add(m.rules.AskInterval); until.IsZero() || next.Before(until) {
			until = next
		}
	}
	return until
}

func (m *Machine) tell(msg any) { m.out = append(m.out, msg) }

func (m *Machine) reject(source string, why protocol.Reject, camera string) {
	m.tell(protocol.Rejected{Source: source, Reason: string(why), Camera: camera})
}

// surveyQuestions are asked when Frigate or the broker comes back: objects whose events were missed
// appear in the answers. Several, because the first may be lost while connections settle.
const surveyQuestions = 3

// survey looks anew at what there is.
func (m *Machine) survey(now time.Time) {
	m.surveys = surveyQuestions
	m.wantFetch(now, true)
}

// ask puts the question, if it is due and there is reason to. A question is never retained: it
// would be asked anew at each connect of Frigate's.
func (m *Machine) ask(now time.Time) {
	every := m.rules.AskInterval
	if every <= 0 || !m.asked.IsZero() && now.Before(m.asked.Add(every)) {
		return
	}
	for o := range m.followed {
		if o.quietSince(now) {
			delete(m.followed, o)
		}
	}
	if len(m.followed) == 0 && m.surveys == 0 {
		return
	}
	m.surveys = max(0, m.surveys-1)
	m.asked = now
	m.tell(protocol.Publication{Service: protocol.CameraDetector, Topic: m.rules.AskTopic,
		Foreign: true})
}

// available: "offline", and from 0.18 on "stopped", are trouble until it is back. They are not
// believed further than that: before 0.18 a clean stop leaves "online", and two clients with one
// id make it flap.
func (m *Machine) available(word string, now time.Time) {
	switch word {
	case "online":
		m.back(now)
		m.survey(now)
	case "offline", "stopped":
		if !m.offline {
			m.offline = true
			m.tell(protocol.Fault{Code: "frigate", Text: "frigate says " + word +
				" on its topic available: it reports no fire until it is back; see that it runs"})
			m.review(now)
		}
	default:
		m.reject("frigate/available", "word", "")
	}
}

// back: an event and figures prove that it runs as well as a word does.
func (m *Machine) back(now time.Time) {
	if m.offline {
		m.offline = false
		m.tell(protocol.Fault{Code: "frigate", Cleared: true})
		m.review(now)
	}
}
