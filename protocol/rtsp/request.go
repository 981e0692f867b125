// Package rtsp is the codec of RTSP 1.0 (RFC 2326) as far as a watcher of cameras speaks it: requests
// out, responses in, the SDP that describes a stream (RFC 8866), and where makers put their streams.
//
// It promises:
//   - every length, count and number from outside has a named bound; an answer beyond it is an error;
//   - a login is written to the wire and nowhere else: no value of this package prints one, and no
//     URL that it makes holds one;
//   - it is lenient where cameras differ (case of header names, bare line feeds, missing CSeq) and
//     strict where a wrong reading would invent a camera: what is not RTSP is never read as RTSP.
//
// It must never open, time or close a connection: it reads from a reader that it is handed.
package rtsp

import (
	"strconv"
	"strings"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
)

// Method is what a request asks for (RFC 2326 §10).
type Method string

// The methods that a watcher uses.
const (
	Options  Method = "OPTIONS"
	Describe Method = "DESCRIBE"
	Setup    Method = "SETUP"
	Play     Method = "PLAY"
	Teardown Method = "TEARDOWN"
)

// MaxRequest is how long a request may be, in bytes: no camera reads a longer one reliably.
const MaxRequest = 4 << 10

// agent is what we call ourselves.
const agent = "wildfire-watch"

// BadRequest is why a request is not written: a field that would break the line it stands on, or too
// much of everything.
const BadRequest protocol.Reject = "request"

// Request is one request. Fields that are zero are not sent.
type Request struct {
	Method        Method
	URL           URL
	CSeq          int // 1 and up, another for every request of a connection
	Session       string
	Transport     string
	Authorization httpauth.Authorization // one line, as its maker promises
}

// Append writes the request behind b. The error is BadRequest and quotes nothing.
func (r Request) Append(b []byte) ([]byte, error) {
	start := len(b)
	if r.Method == "" || !plain(string(r.Method)) || r.URL.host == "" || r.CSeq < 1 || !plain(r.Session) ||
		!plain(r.Transport) {
		return b, BadRequest
	}
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = r.URL.append(b)
	b = append(b, " RTSP/1.0\r\nCSeq: "...)
	b = strconv.AppendInt(b, int64(r.CSeq), 10)
	b = header(b, "User-Agent", agent)
	if r.Method == Describe {
		b = header(b, "Accept", "application/sdp")
	}
	if r.Method == Play {
		b = header(b, "Range", "npt=0.000-")
	}
	b = header(b, "Session", r.Session)
	b = header(b, "Transport", r.Transport)
	b = header(b, "Authorization", r.Authorization.Header())
	b = append(b, "\r\n\r\n"...)
	if len(b)-start > MaxRequest {
		clear(b[start:])
		return b[:start], BadRequest
	}
	return b, nil
}

// header appends one header line, without its end, behind the end of the one before.
func header(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, "\r\n"...)
	b = append(b, name...)
	b = append(b, ": "...)
	return append(b, value...)
}

// plain says whether text can stand in a header line: no control bytes.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Interleaved asks for RTP on the RTSP connection itself (RFC 2326 §10.12), on channels 0 and 1.
const Interleaved = "RTP/AVP/TCP;unicast;interleaved=0-1"

// Datagrams asks for RTP by UDP at port, which is even, and RTCP at the one above.
func Datagrams(port int) string {
	return "RTP/AVP;unicast;client_port=" + strconv.Itoa(port) + "-" + strconv.Itoa(port+1)
}

// Channel is the channel that carries RTP, as the answer to a SETUP of Interleaved says; 0, which was
// asked for, if it does not say.
func Channel(transport string) byte {
	for field := range strings.SplitSeq(transport, ";") {
		value, ok := cutPrefixFold(strings.TrimSpace(field), "interleaved=")
		if !ok {
			continue
		}
		first, _, _ := strings.Cut(value, "-")
		if n, err := strconv.ParseUint(first, 10, 8); err == nil {
			return byte(n)
		}
	}
	return 0
}

// SessionID is the session that a Session header names, without its timeout (RFC 2326 §12.37); empty
// if it names none that can be sent back.
func SessionID(value string) string {
	id, _, _ := strings.Cut(value, ";")
	id = strings.TrimSpace(id)
	if len(id) > MaxSession || !plain(id) {
		return ""
	}
	return id
}

// MaxSession is how long a session's identifier may be, in bytes.
const MaxSession = 128

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return "", false
	}
	return text[len(prefix):], true
}
