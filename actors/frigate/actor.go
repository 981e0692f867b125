// Package frigate turns what Frigate tells into sightings of fire, and asks it for more while there
// is one (SPEC §2 "Frigate's cadence"). It also says what Frigate, as a witness, knows of each
// camera: whether pictures arrive and change, and from which host.
//
// It decides which events and activity answers are samples, how large they are in the frame, and
// when a question is worth asking. It promises that a message that is not well-formed changes
// nothing and is counted; that a sample never waits for the HTTP answer that tells the frame's
// size; that what it remembers is bounded. It must never take a dead camera's listed objects for a
// camera that lives, and never let a change of scale look like growth.
package frigate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// Kind is how the house runs this actor. The bulk limit bounds what a flood of the largest answers
// holds in memory.
var Kind = actors.Kind{Name: "frigate", BulkLimit: 128}

// Settings are what the actor is made of.
type Settings struct {
	Config Config
	// Labels are [consensus] labels.
	Labels []string
	// DetectSizes is cameras.<name>.detect by the name that Frigate uses, "1280x720"; what cannot
	// be read is left out (the configuration's check reports it).
	DetectSizes map[string]string
	// MaxCameras and MaxObjects are [consensus] max_cameras and max_objects; 0: 1000 and 50.
	MaxCameras, MaxObjects int
	// Fetch gets a URL's body, at most limit bytes and one more; nil: over HTTP.
	Fetch func(ctx context.Context, url string, limit int64) ([]byte, error)
}

// Actor is the shell around the machine.
type Actor struct {
	settings Settings
	machine  *Machine
	armed    time.Time // what the deadline timer is set to; zero: not armed
}

// New makes the actor; spawn it as Kind.
func New(s Settings) actors.Actor {
	if s.Fetch == nil {
		s.Fetch = get
	}
	return &Actor{settings: s, machine: NewMachine(RulesOf(s))}
}

// RulesOf are the rules that the settings make.
func RulesOf(s Settings) Rules {
	r := Rules{
		AskTopic:    s.Config.TopicPrefix + "/" + protocol.TopicFrigateOnConnect,
		AskInterval: s.Config.AskInterval,
		Detect:      make(map[string]wire.Size), HasAPI: s.Config.API != "",
		MaxCameras: s.MaxCameras, MaxObjects: s.MaxObjects,
	}
	for _, label := range s.Labels {
		label = strings.ToLower(strings.TrimSpace(label))
		r.Labels = append(r.Labels, strings.TrimSuffix(label, "-verified"))
	}
	for camera, text := range s.DetectSizes {
		if size, ok := wire.ParseSize(text); ok {
			r.Detect[camera] = size
		}
	}
	if r.MaxCameras <= 0 {
		r.MaxCameras = 1000
	}
	if r.MaxObjects <= 0 {
		r.MaxObjects = 50
	}
	return r
}

// Configured changes what is fire, what is remembered and how often Frigate is asked, while the actor
// works. The system sends it.
type Configured struct {
	AskInterval            time.Duration
	Labels                 []string
	MaxCameras, MaxObjects int
}

// with are the settings with those of a change.
func (s Settings) with(m Configured) Settings {
	s.Config.AskInterval, s.Labels = m.AskInterval, m.Labels
	s.MaxCameras, s.MaxObjects = m.MaxCameras, m.MaxObjects
	return s
}

// Started looks at what there is; the broker may have been there before us.
func (a *Actor) Started(c *actors.Context) { a.step(c, Connected{}) }

// Stopping has nothing to put in order.
func (a *Actor) Stopping(*actors.Context) {}

// Receive takes Frigate's messages, the broker's coming back and its own deadline.
func (a *Actor) Receive(c *actors.Context, msg any) {
	switch msg := msg.(type) {
	case protocol.Incoming:
		a.carryOut(c, a.machine.Read(msg, c.Now()))
	case protocol.BrokerLink:
		if msg.Service == protocol.CameraDetector && msg.Connected {
			a.step(c, Connected{})
		}
	case Fetched, Looked:
		a.step(c, msg)
	case Configured:
		a.machine.Configure(RulesOf(a.settings.with(msg)))
		a.step(c, Woke{})
	case actors.Fired:
		a.armed = time.Time{}
		a.step(c, Woke{})
	}
}

// step feeds the machine.
func (a *Actor) step(c *actors.Context, in any) { a.carryOut(c, a.machine.Step(in, c.Now())) }

// carryOut does what the machine says and arms its deadline.
func (a *Actor) carryOut(c *actors.Context, outcomes []any) {
	for _, out := range outcomes {
		switch out := out.(type) {
		case Fetch:
			c.Go(a.fetch)
		case Look:
			c.Go(func(ctx context.Context) any { return a.look(ctx, out.Camera) })
		default:
			c.Publish(out)
		}
	}
	switch until := a.machine.Until(); {
	case until.IsZero():
		c.Cancel("deadline")
		a.armed = until
	case !until.Equal(a.armed):
		c.After("deadline", until.Sub(c.Now()))
		a.armed = until
	}
}

// patience with Frigate's HTTP answer.
const patience = 5 * time.Second

// fetch gets the sizes of the detect streams. It runs outside the mailbox.
func (a *Actor) fetch(ctx context.Context) any {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	url := a.address("/api/config")
	body, err := a.settings.Fetch(ctx, url, wire.MaxConfig)
	if err != nil {
		return Fetched{Problem: fmt.Sprintf("fetch Frigate's configuration: %v", err)}
	}
	config, err := wire.DecodeConfig(body)
	if err != nil {
		return Fetched{Problem: fmt.Sprintf("read Frigate's configuration from %s: %v", url, err)}
	}
	return Fetched{Detect: config.Detect, Hosts: config.Hosts}
}

// address is a path of Frigate's API.
func (a *Actor) address(path string) string {
	return strings.TrimRight(a.settings.Config.API, "/") + path
}

// maxPicture bounds a picture in bytes; one of 90 lines has 20,000.
const maxPicture = 64 << 10

// look gets a camera's newest picture. It runs outside the mailbox. Frigate's releases call the height
// h and height.
func (a *Actor) look(ctx context.Context, camera string) any {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := a.settings.Fetch(ctx, a.address("/api/"+camera+"/latest.jpg?h=90&height=90&quality=100"),
		maxPicture)
	switch {
	case err != nil:
		return Looked{Camera: camera, Problem: fmt.Sprintf("fetch the picture of %s: %v", camera, err)}
	case len(body) > maxPicture:
		return Looked{Camera: camera, Problem: "the picture of " + camera + " is too large"}
	}
	return Looked{Camera: camera, Print: sha256.Sum256(body), Size: len(body)}
}

// get fetches a URL on the local network: no proxy, no connection kept, and nobody is followed
// anywhere else.
func get(ctx context.Context, url string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s (Frigate's port 5000 answers without a login)",
			url, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, limit+1))
}
