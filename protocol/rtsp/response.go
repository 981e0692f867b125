package rtsp

import (
	"bytes"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
)

// Bounds on what a host may send.
const (
	MaxLine    = 4 << 10  // bytes of one line
	MaxHeader  = 16 << 10 // bytes of all lines of one answer
	MaxLines   = 64       // header lines of one answer
	MaxBody    = 64 << 10 // bytes of one body
	MaxSkipped = 4 << 20  // bytes of media passed over while an answer is awaited
	maxSkips   = 16       // requests of the host's own and interim answers passed over
	maxQuote   = 40       // bytes of a stranger's greeting that an error may show
)

// Why an answer is refused.
const (
	NotRTSP   protocol.Reject = "not RTSP"
	TooLong   protocol.Reject = "answer too long"
	Malformed protocol.Reject = "answer malformed"
)

// Strange is the error for something that is not RTSP at all.
type Strange struct {
	// Head is the beginning of what came, at most 40 bytes of it, quoted: no control byte stands in it.
	Head string
}

// Error says what came instead.
func (s Strange) Error() string { return string(NotRTSP) + ": " + s.Head }

// Unwrap is NotRTSP.
func (s Strange) Unwrap() error { return NotRTSP }

// Response is one answer.
type Response struct {
	Status int    // 200 to 599
	CSeq   int    // of the request that it answers; 0 if it does not say
	Body   []byte // its own copy
	lines  []line
}

type line struct{ name, value string }

// Value is the first header of that name, whatever its case; empty if there is none.
func (r Response) Value(name string) string {
	for _, l := range r.lines {
		if strings.EqualFold(l.name, name) {
			return l.value
		}
	}
	return ""
}

// Values are all headers of that name, in the order sent.
func (r Response) Values(name string) (values []string) {
	for _, l := range r.lines {
		if strings.EqualFold(l.name, name) {
			values = append(values, l.value)
		}
	}
	return values
}

// Choose is the challenge of an answer that we meet; false if there is none.
func (r Response) Choose() (httpauth.Challenge, bool) {
	return httpauth.Parse(r.Values("WWW-Authenticate"))
}

// Reason is what a status means. It is never the host's own text: a host that has seen a login could
// write it there.
func Reason(status int) string {
	text := reasons[status]
	if text == "" {
		text = "refused"
		if status >= 500 {
			text = "error of its own"
		}
	}
	return strconv.Itoa(status) + " " + text
}

// reasons is from RFC 2326 §7.1.1.
var reasons = map[int]string{
	200: "ok", 301: "moved", 302: "moved for now", 303: "see other", 305: "use proxy", 400: "bad request",
	401: "unauthorized", 403: "forbidden", 404: "not found", 405: "method not allowed", 406: "not acceptable",
	408: "request timeout", 415: "unsupported media type", 451: "parameter not understood",
	453: "not enough bandwidth", 454: "session not found", 455: "method not valid in this state",
	459: "aggregate operation not allowed", 461: "unsupported transport", 462: "destination unreachable",
	500: "internal server error", 501: "not implemented", 503: "service unavailable", 505: "version not supported",
	551: "option not supported",
}

// quote is the beginning of something foreign, at most 40 bytes, fit for a log: up to the first line's
// end, quoted, ASCII alone.
func quote(text []byte) string {
	end := bytes.IndexAny(text, "\r\n")
	if end < 0 {
		end = len(text)
	}
	if end > maxQuote {
		return strconv.QuoteToASCII(string(text[:maxQuote])) + "..."
	}
	return strconv.QuoteToASCII(string(text[:end]))
}
