// Package stream asks cameras for their video over RTSP: it describes a stream, finds the streams of a
// host that tells none, and checks whether a known camera is alive.
//
// It promises:
//   - every call ends by its deadline, whatever the host sends or does not send: deadlines are for a
//     whole exchange, never for one read;
//   - a login that a host has refused is not sent to it again in the same call, no login is sent
//     unasked, and none ever goes to another host than the one asked;
//   - a check takes no session of the camera's, unless frames are asked for, and then gives it back;
//   - no problem that it reports holds a login, a byte that does not print, or a host's own words
//     after it has seen a login.
//
// It must never decide that a camera is lost, or when to ask again: it reports what it met.
package stream

import (
	"context"
	"net"
	"strings"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
	"wildfire-watch/protocol/rtsp"
)

// Outcome is how a host met a question for a stream.
type Outcome string

// The outcomes. The zero value is: not asked.
const (
	Video       Outcome = "video"
	NoVideo     Outcome = "describes no video"
	NotFound    Outcome = "not found"
	WantsLogin  Outcome = "wants a login"
	LoginWrong  Outcome = "refuses the login"
	Busy        Outcome = "too many sessions, or locked" // 453, 503
	Strange     Outcome = "does not speak RTSP"
	Silent      Outcome = "accepts and never answers"
	Endless     Outcome = "answers without end"
	Drip        Outcome = "answers too slowly" // began, and did not end in time
	Lost        Outcome = "hangs up"
	Refused     Outcome = "connection refused"
	Unreachable Outcome = "unreachable"
	Elsewhere   Outcome = "moved to another host"
	Odd         Outcome = "another answer" // Status says which
	CutShort    Outcome = "cut short"      // by the caller
)

// Answer is what a question for one stream has brought.
type Answer struct {
	Outcome Outcome
	Status  int             // of the last answer; 0: none, so it is not known to speak RTSP
	Stream  protocol.Stream // of Video
	Login   protocol.LoginState
	Problem string // empty for Video; free of secrets
}

// wait is how long a call may take whose context has no deadline: rtsp_timeout of SPEC §5.
const wait = 10 * time.Second

// Describe asks for one stream: without the login first, then once with it if the host asks for one.
// The whole call ends by the deadline of ctx, or after 10 s if it has none. A zero login is none.
func Describe(ctx context.Context, url string, login protocol.Login) Answer {
	u, err := rtsp.ParseURL(url)
	if err != nil {
		return Answer{Problem: "describe a stream: " + err.Error()}
	}
	ctx, cancel := bounded(ctx, wait)
	defer cancel()
	t := newTalk(ctx, u.Host(), u.Port(), newRing(login))
	defer t.close()
	return t.describe(u).Answer
}

// bounded gives ctx a deadline if it has none.
func bounded(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, most)
}

// described is an Answer with what is needed to play the stream.
type described struct {
	Answer
	url    rtsp.URL // that answered
	base   string   // that controls are below
	whole  string   // the control of all media together
	medium rtsp.Medium
}

// maxMoves is how many redirections are followed, all on the host itself.
const maxMoves = 3

// describe asks for one stream of the host.
func (t *talk) describe(u rtsp.URL) described {
	for range maxMoves + 1 {
		if err := t.greet(u); err != nil {
			return t.failed(u, err)
		}
		r, err := t.ask(rtsp.Request{Method: rtsp.Describe, URL: u})
		if err != nil {
			return t.failed(u, err)
		}
		if !moved(r.Status) {
			return t.read(u, r)
		}
		to, err := rtsp.ParseURL(r.Value("Location"))
		if err != nil || to.Host() != t.host {
			return t.answered(u, r.Status, Elsewhere, "moved elsewhere: not followed")
		}
		if u = to; to.Port() != t.port {
			t.close()
			t.port, t.greeted, t.challenge = to.Port(), false, httpauth.Challenge{}
		}
	}
	return t.answered(u, 0, Elsewhere, "moved too often")
}

func moved(status int) bool { return status == 301 || status == 302 || status == 303 || status == 307 }

// read says what an answer to DESCRIBE means.
func (t *talk) read(u rtsp.URL, r rtsp.Response) described {
	switch r.Status {
	case 200:
		return t.described(u, r)
	case 401, 403:
		if len(t.ring.refused) > 0 || t.ring.accepted {
			return t.answered(u, r.Status, LoginWrong, string(LoginWrong))
		}
		return t.answered(u, r.Status, WantsLogin, string(WantsLogin))
	case 404:
		return t.answered(u, r.Status, NotFound, rtsp.Reason(r.Status))
	case 453, 503:
		return t.answered(u, r.Status, Busy, rtsp.Reason(r.Status)+": "+string(Busy))
	}
	return t.answered(u, r.Status, Odd, rtsp.Reason(r.Status))
}

// described reads the SDP of a stream.
func (t *talk) described(u rtsp.URL, r rtsp.Response) described {
	d, err := rtsp.ParseSDP(r.Body)
	if err != nil {
		return t.answered(u, r.Status, NoVideo, err.Error())
	}
	video, ok := d.First(rtsp.Video)
	if !ok {
		return t.answered(u, r.Status, NoVideo, string(NoVideo))
	}
	audio, _ := d.First(rtsp.Audio)
	base := r.Value("Content-Base")
	if base == "" {
		base = r.Value("Content-Location")
	}
	return described{
		Answer: Answer{Outcome: Video, Status: r.Status, Login: t.ring.state(Video), Stream: protocol.Stream{
			URL: u.String(), Codec: video.Codec, Width: video.Width, Height: video.Height, FPS: video.FPS,
			Audio: audio.Codec}},
		url: u, base: base, whole: d.Control, medium: video,
	}
}

// answered is the report of an answer that is no video.
func (t *talk) answered(u rtsp.URL, status int, o Outcome, why string) described {
	return described{url: u, Answer: Answer{Outcome: o, Status: status, Login: t.ring.state(o),
		Problem: problem(rtsp.Describe, u, why)}}
}

// failed is the report of a question without an answer.
func (t *talk) failed(u rtsp.URL, err error) described {
	o, why := t.outcome(err)
	return t.answered(u, 0, o, why)
}

// maxShown is how much of a URL a problem shows, in bytes.
const maxShown = 120

// problem says what was tried, on what, and why it went wrong.
func problem(m rtsp.Method, u rtsp.URL, why string) string {
	text := u.String()
	if len(text) > maxShown {
		text = text[:maxShown] + "..."
	}
	return strings.ToLower(string(m)) + " " + text + ": " + why
}

// hostPort is the address to dial.
func hostPort(host string, port int) string { return net.JoinHostPort(host, itoa(port)) }
