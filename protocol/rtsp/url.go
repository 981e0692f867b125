package rtsp

import (
	"net/netip"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// Port is RTSP's own (RFC 2326 §3.2).
const Port = 554

// MaxURL is how long the path and query of a stream may be, in bytes.
const MaxURL = 1 << 10

// Why a URL is refused. Neither quotes it: there may be a login in it.
const (
	BadURL      protocol.Reject = "not an rtsp URL"
	LoginInPath protocol.Reject = "its path holds a login"
	Encrypted   protocol.Reject = "rtsps is not supported"
)

// URL is where a stream is. It holds no login, and its path and query are as the camera wrote them:
// percent-encoding is neither added nor taken away. The zero value is no URL.
type URL struct {
	host string // address or name, IPv6 without brackets
	port int
	path string // with the query; begins with / unless empty
}

// ParseURL reads a URL as a camera or a setting writes it and drops the login before the host.
func ParseURL(text string) (URL, error) {
	if len(text) > MaxURL {
		return URL{}, BadURL
	}
	if _, ok := cutPrefixFold(text, "rtsps://"); ok {
		return URL{}, Encrypted
	}
	rest, ok := cutPrefixFold(text, "rtsp://")
	if !ok {
		return URL{}, BadURL
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host, port, ok := parseAuthority(authority)
	if !ok {
		return URL{}, BadURL
	}
	return NewURL(host, port, path)
}

func parseAuthority(authority string) (host string, port int, ok bool) {
	host, rest := authority, ""
	if inner, bracketed := strings.CutPrefix(authority, "["); bracketed {
		if host, rest, ok = strings.Cut(inner, "]"); !ok {
			return "", 0, false
		}
		if rest != "" && rest[0] != ':' {
			return "", 0, false
		}
		rest = strings.TrimPrefix(rest, ":")
	} else {
		host, rest, _ = strings.Cut(authority, ":")
	}
	if rest == "" {
		return host, Port, host != ""
	}
	n, err := strconv.ParseUint(rest, 10, 16)
	return host, int(n), err == nil && host != ""
}

// NewURL is the stream at path of a host. The path may lack its first /.
func NewURL(host string, port int, path string) (URL, error) {
	if path != "" && path[0] != '/' {
		path = "/" + path
	}
	address, err := netip.ParseAddr(host)
	if err != nil && !hostName(host) || address.Zone() != "" || port < 1 || port > 65535 || len(path) > MaxURL || !visible(path) {
		return URL{}, BadURL
	}
	if holdsLogin(path) {
		return URL{}, LoginInPath
	}
	return URL{host: host, port: port, path: path}, nil
}

// maxHost is how long a host's name may be (RFC 1035 §2.3.4).
const maxHost = 253

func hostName(host string) bool {
	return host != "" && len(host) <= maxHost && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// visible says whether text is printable ASCII without a space and without what would end a quoted string.
func visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' })
}

// secrets are the words before a login in the path of some makers: /user=U&password=P&channel=1.
var secrets = []string{"password=", "passwd=", "passw=", "pwd=", "pass=", "user=", "username=", "usr=", "token=", "auth="}

// betweenWords are the bytes that part the fields of such a path.
const betweenWords = "/?&_;,"

// holdsLogin says whether a path holds a login with something in it. One with an @ does: an unescaped
// password before the host may hold a /, and what follows would be taken for the path.
func holdsLogin(path string) bool {
	path = strings.ToLower(path)
	for i := range len(path) {
		if path[i] == '@' {
			return true
		}
		if strings.IndexByte(betweenWords, path[i]) < 0 {
			continue
		}
		for _, word := range secrets {
			value, ok := strings.CutPrefix(path[i+1:], word)
			if ok && value != "" && strings.IndexByte(betweenWords, value[0]) < 0 {
				return true
			}
		}
	}
	return false
}

// Host is the address or name, IPv6 without brackets.
func (u URL) Host() string { return u.host }

// Port is 1 to 65535.
func (u URL) Port() int { return u.port }

// At is the same stream of another host: a camera may call itself by an address that is not the one
// at which we reached it.
func (u URL) At(host string) (URL, error) { return NewURL(host, u.port, u.path) }

// With is another path of the same host.
func (u URL) With(path string) (URL, error) { return NewURL(u.host, u.port, path) }

// String is rtsp://host/path, with the port if it is not RTSP's own.
func (u URL) String() string {
	if u.host == "" {
		return ""
	}
	return string(u.append(nil))
}

func (u URL) append(b []byte) []byte {
	b = append(b, "rtsp://"...)
	if strings.Contains(u.host, ":") {
		b = append(b, '[')
		b = append(b, u.host...)
		b = append(b, ']')
	} else {
		b = append(b, u.host...)
	}
	if u.port != Port {
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(u.port), 10)
	}
	return append(b, u.path...)
}

// Control is the URL of one medium (RFC 2326 §C.1.1): what its control attribute says, against base,
// the Content-Base of the answer or the URL that was asked. The host and port are always those of asked.
func Control(asked URL, base, control string) (URL, error) {
	if u, err := ParseURL(control); err == nil {
		return asked.With(u.path)
	}
	path := asked.path
	if u, err := ParseURL(base); err == nil {
		path = u.path
	}
	switch {
	case control == "" || control == "*":
		return asked.With(path)
	case control[0] == '/':
		return asked.With(control)
	case strings.HasSuffix(path, "/"):
		return asked.With(path + control)
	}
	return asked.With(path + "/" + control)
}
