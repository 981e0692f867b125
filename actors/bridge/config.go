package bridge

import (
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Config is the [mqtt] section (SPEC §4).
type Config struct {
	// URL is the broker: tcp://host:port or ssl://host:port. Empty: the embedded broker.
	URL string `key:"url" len:"0..256"`
	// Username and PasswordFile are the login; the password is the file's first line.
	Username     string `key:"username" len:"0..256"`
	PasswordFile string `key:"password_file" len:"0..4096"`
	// CAFile, CertFile and KeyFile are PEM files, for ssl:// alone.
	CAFile   string `key:"ca_file" len:"0..4096"`
	CertFile string `key:"cert_file" len:"0..4096"`
	KeyFile  string `key:"key_file" len:"0..4096"`
	// ClientID starts our four client ids; "-<service>" is added.
	ClientID string `key:"client_id" len:"1..64"`
	// TopicPrefix stands before every topic of ours.
	TopicPrefix string `key:"topic_prefix" len:"0..128"`
}

// defaultPorts are used where the url names none.
var defaultPorts = map[string]string{"tcp": "1883", "mqtt": "1883", "ssl": "8883", "tls": "8883",
	"mqtts": "8883"}

// target is what the url says: where to dial and whether with TLS.
type target struct {
	address, host string
	secure        bool
}

// parse reads the url. A mistake is described by what may stand there.
func parse(raw string) (t target, allowed string) {
	const forms = "tcp://host:port or ssl://host:port, or empty for the embedded broker"
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return target{}, forms
	}
	port, known := defaultPorts[strings.ToLower(u.Scheme)]
	switch {
	case !known:
		return target{}, forms
	case u.User != nil:
		return target{}, "no login in the url: use username and password_file"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return target{}, forms + "; nothing after the port"
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return target{}, "a port of 1 to 65535"
	}
	return target{net.JoinHostPort(u.Hostname(), port), u.Hostname(), isSecure(u)}, ""
}

func isSecure(u *url.URL) bool { return defaultPorts[strings.ToLower(u.Scheme)] == "8883" }

// Check finds what no single key's range can.
func (c Config) Check() (mistakes []protocol.Mistake) {
	wrong := func(key, value, allowed string) {
		mistakes = append(mistakes, protocol.Mistake{Key: key, Value: value, Allowed: allowed})
	}
	warn := func(key, value, problem string) {
		mistakes = append(mistakes,
			protocol.Mistake{Key: key, Value: value, Problem: problem, Warning: true})
	}
	var t target
	if c.URL != "" {
		var allowed string
		if t, allowed = parse(c.URL); allowed != "" {
			wrong("url", redacted(c.URL), allowed)
		}
	}
	if c.PasswordFile != "" && c.Username == "" {
		wrong("password_file", c.PasswordFile, "empty, while username is empty")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		wrong("cert_file", c.CertFile, "cert_file and key_file both, or neither")
	}
	tlsFiles := c.CAFile + c.CertFile + c.KeyFile
	if c.URL != "" && t.address != "" && !t.secure {
		if tlsFiles != "" {
			wrong("url", c.URL, "ssl://… where ca_file, cert_file or key_file is set")
		} else if c.PasswordFile != "" && !isLoopback(t.host) {
			warn("url", c.URL, "sends the password over the network in the clear; use ssl://")
		}
	}
	if c.URL == "" && tlsFiles+c.Username != "" {
		warn("url", "", "is empty, so the embedded broker is used and the login and the"+
			" certificates here are not")
	}
	for _, m := range c.secrets() {
		warn(m.Key, m.Value, m.Problem)
	}
	if strings.ContainsAny(c.ClientID, "/+#") || !printable(c.ClientID) {
		wrong("client_id", c.ClientID, "printable characters but / + #")
	}
	if allowed := badPrefix(c.TopicPrefix); allowed != "" {
		wrong("topic_prefix", c.TopicPrefix, allowed)
	}
	return mistakes
}

// secrets finds files that are none, and old certificates. One that is missing is told of when it is needed.
func (c Config) secrets() (found []protocol.Mistake) {
	for key, file := range map[string]string{"password_file": c.PasswordFile, "key_file": c.KeyFile} {
		if problem := exposed(file); problem != "" {
			found = append(found, protocol.Mistake{Key: key, Value: file, Problem: problem})
		}
	}
	if _, err := os.Stat(c.CertFile); err != nil {
		return found
	}
	for _, problem := range oldCertificate(c.CertFile, time.Now()) {
		found = append(found, protocol.Mistake{Key: "cert_file", Value: c.CertFile, Problem: problem})
	}
	return found
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// badPrefix says what a topic prefix must be if it is not.
func badPrefix(prefix string) string {
	switch {
	case strings.ContainsAny(prefix, "+#") || !printable(prefix):
		return "printable characters but + #"
	case strings.HasPrefix(prefix, "$"):
		return "not starting with $: brokers keep such topics to themselves"
	case strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/"),
		strings.Contains(prefix, "//"):
		return "no slash at the ends and no empty level"
	}
	return ""
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return false
		}
	}
	return true
}

// redacted hides a login that does not belong into the url.
func redacted(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Redacted()
	}
	if at := strings.LastIndexByte(raw, '@'); at >= 0 {
		return "…" + raw[at:]
	}
	return raw
}
