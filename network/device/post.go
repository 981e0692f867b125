package device

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
	"wildfire-watch/protocol/onvif"
)

// Bounds on one exchange.
const (
	connectTime  = 2 * time.Second
	maxHeader    = 16 << 10 // bytes of an answer's header
	maxRefusal   = 8 << 10  // bytes read of an answer that is an HTTP error
	maxRedirects = 2
)

// errElsewhere is why a connection to another host is not made.
var errElsewhere = errors.New("another host")

// peer is the one host that is talked to.
type peer struct {
	ip     netip.Addr
	client *http.Client
}

// newPeer makes a client whose every connection goes to ip, without a proxy. Each connection is for one
// request: the servers inside of cameras handle one at a time, and a kept one would lock others out.
func newPeer(ip netip.Addr) peer {
	to := line{ip}
	return peer{ip: ip, client: &http.Client{
		Transport: &http.Transport{
			DialContext:            to.plain,
			DialTLSContext:         to.secret,
			DisableKeepAlives:      true,
			DisableCompression:     true, // a small answer must be small
			MaxConnsPerHost:        1,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// proof is what goes along with a request to prove a login; the zero proof is none.
type proof struct {
	token  *onvif.Token
	header httpauth.Authorization
}

func (p proof) given() bool { return p.token != nil || p.header != httpauth.Authorization{} }

// reply is what came of one request.
type reply struct {
	at         *url.URL // who answered, after redirects
	status     int      // 0: no HTTP answer
	err        error    // nil: it answered what it was asked for
	locked     bool     // its body speaks of a lock
	asks       bool     // a header asks for HTTP authentication
	challenge  httpauth.Challenge
	answerable bool          // challenge is one
	offset     time.Duration // its clock minus ours by the header Date; 0 if there is none
}

// verdict is what a reply means.
type verdict int

const (
	failed     verdict = iota // no answer, or none to what was asked
	answered                  // as asked
	wantsLogin                // or refuses the one that was sent
	locked                    // says that the account is locked
	denied                    // knows us perhaps, and will not
)

func (r reply) fault() (onvif.Fault, bool) { return errors.AsType[onvif.Fault](r.err) }

func (r reply) verdict() verdict {
	fault, _ := r.fault()
	switch {
	case r.locked || fault.Kind == onvif.Locked || r.status == http.StatusLocked || r.status == http.StatusTooManyRequests:
		return locked
	case r.status == http.StatusUnauthorized || fault.Kind == onvif.Refused:
		return wantsLogin
	case r.status == http.StatusForbidden || fault.Kind == onvif.Prohibited:
		return denied
	case r.err == nil:
		return answered
	}
	return failed
}

// post sends one request and reads its answer. A request without a proof follows redirects to the same
// host; one with a proof follows none.
func (p peer) post(ctx context.Context, at *url.URL, ask onvif.Request, prove proof, decode func(io.Reader) error) (r reply) {
	for range 1 + maxRedirects {
		var to *url.URL
		r, to = p.once(ctx, at, ask, prove, decode)
		if to == nil || prove.given() {
			return r
		}
		at = to
	}
	r.err = errRedirects
	return r
}

var errRedirects = errors.New("redirects in a circle")

func (p peer) once(ctx context.Context, at *url.URL, ask onvif.Request, prove proof, decode func(io.Reader) error) (r reply, to *url.URL) {
	r.at = at
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(ask.Envelope(prove.token)))
	if err != nil {
		r.err = err
		return r, nil
	}
	request.Header.Set("Content-Type", `application/soap+xml; charset=utf-8; action="`+ask.Action()+`"`)
	request.Header.Set("User-Agent", "wildfire-watch")
	if header := prove.header.Header(); header != "" {
		request.Header.Set("Authorization", header)
	}
	answer, err := p.client.Do(request)
	if err != nil {
		r.err = err
		return r, nil
	}
	defer func() { _ = answer.Body.Close() }()
	r.status = answer.StatusCode
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		r.offset = offset(date, time.Now())
	}
	lines := answer.Header.Values("WWW-Authenticate")
	r.asks = r.status == http.StatusUnauthorized && len(lines) > 0
	if r.asks {
		r.challenge, r.answerable = httpauth.Parse(lines)
	}
	if to, r.err = p.redirected(answer, at); to != nil || r.err != nil {
		r.err = cmp.Or(r.err, error(httpError(r.status)))
		return r, to
	}
	r.read(answer, decode)
	return r, nil
}

// read reads the body. Faults come with 200, 400, 401 and 500 alike.
func (r *reply) read(answer *http.Response, decode func(io.Reader) error) {
	if r.status/100 == 2 {
		r.err = decode(answer.Body)
		return
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal)) // a part says as much
	r.err = decode(bytes.NewReader(body))
	_, fault := r.fault()
	r.locked = !fault && (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden) && onvif.SaysLocked(body)
	if !fault {
		r.err = httpError(r.status)
	}
}

// redirected is where a redirect leads, if that is on the same host.
func (p peer) redirected(answer *http.Response, from *url.URL) (*url.URL, error) {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := answer.Header.Get("Location")
	if len(location) > maxAddress {
		return nil, errElsewhere
	}
	next, err := from.Parse(location)
	if err != nil {
		return nil, errElsewhere
	}
	if host, err := netip.ParseAddr(next.Hostname()); err != nil || host.Unmap() != p.ip {
		return nil, errElsewhere
	}
	to, ok := reach(next.String(), p.ip)
	if !ok {
		return nil, errElsewhere
	}
	return to, nil
}

// httpError is a status that is no success.
type httpError int

// Error is the status with its standard text.
func (s httpError) Error() string {
	return strings.ToLower(strings.TrimSpace(fmt.Sprintf("%d %s", int(s), http.StatusText(int(s)))))
}

// problem says what went wrong with a request. It quotes nothing that the device sent: what it says may
// hold what we sent.
func (r reply) problem(ask onvif.Request) string {
	return fmt.Sprintf("%s at %s: %s", ask.Name, r.at.Host, why(r.err))
}

func why(err error) string {
	reject, unread := errors.AsType[protocol.Reject](err)
	fault, faulty := errors.AsType[onvif.Fault](err)
	status, refused := errors.AsType[httpError](err)
	var timeout net.Error
	switch {
	case unread:
		return "unreadable answer (" + reject.Error() + ")"
	case faulty:
		return fault.Error()
	case refused:
		return status.Error()
	case errors.Is(err, errElsewhere):
		return "sends us to another host"
	case errors.Is(err, errRedirects):
		return errRedirects.Error()
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	for errno, text := range map[syscall.Errno]string{syscall.ECONNREFUSED: "connection refused", syscall.ECONNRESET: "connection reset",
		syscall.EHOSTUNREACH: "no route to host", syscall.ENETUNREACH: "network is unreachable"} {
		if errors.Is(err, errno) {
			return text
		}
	}
	return "no HTTP answer that we understand"
}
