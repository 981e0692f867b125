package web

import (
	"net"
	"os"
	"strconv"

	"wildfire-watch/protocol"
	"wildfire-watch/web/auth"
)

// Config is the [http] section.
type Config struct {
	// Listen is host:port; port 0 takes any free one; empty is no page.
	Listen string `key:"listen" len:"0..255"`
	// Users are "name:role:hash".
	Users []string `key:"users" secret:"yes"`
	// CertFile and KeyFile are PEM files; read anew when they change.
	CertFile string `key:"cert_file" len:"0..4096"`
	KeyFile  string `key:"key_file" len:"0..4096"`
	// Socket is the path of the terminal's socket; empty: control.sock in journal.dir; NoSocket: none.
	Socket string `key:"socket" len:"0..103"`
	// Pprof: /debug/pprof/ answers operators.
	Pprof bool `key:"pprof"`
}

// NoSocket is the http.socket that means none.
const NoSocket = "none"

const maxUsers = 64

// Check reads the address and the users, and says what the page will refuse to open with.
func (c Config) Check() (found []protocol.Mistake) {
	if c.Listen != "" {
		_, port, err := net.SplitHostPort(c.Listen)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
			found = append(found, protocol.Mistake{Key: "listen", Value: c.Listen,
				Allowed: `host:port with a port from 0 to 65535, such as "127.0.0.1:8080", or empty`})
		} else if why := c.open(); why != "" {
			found = append(found, protocol.Mistake{Key: "listen", Value: c.Listen, Warning: true, Problem: why})
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		found = append(found, protocol.Mistake{Key: "cert_file", Allowed: "set together with key_file, or neither"})
	}
	if about, err := os.Stat(c.KeyFile); err == nil && about.Mode().Perm()&0o007 != 0 {
		found = append(found, protocol.Mistake{Key: "key_file", Value: c.KeyFile, Warning: true,
			Problem: "can be read by everybody on this machine: chmod o= it"})
	}
	if len(c.Users) > maxUsers {
		found = append(found, protocol.Mistake{Key: "users", Value: strconv.Itoa(len(c.Users)), Allowed: "at most " + strconv.Itoa(maxUsers) + " entries"})
	}
	_, mistakes := auth.Read(c.Users[:min(len(c.Users), maxUsers)])
	return append(found, together(mistakes)...)
}

// open says why the address is not to be opened as the settings are; empty: it is. Only this machine may
// come without a password, and a password travels encrypted (issue 5: secure by default).
func (c Config) open() string {
	if loopback(c.Listen) {
		return ""
	}
	missing := ""
	switch {
	case len(c.Users) == 0 && c.CertFile == "":
		missing = "http.users, and http.cert_file with http.key_file"
	case len(c.Users) == 0:
		missing = "http.users"
	case c.CertFile == "":
		missing = "http.cert_file and http.key_file"
	default:
		return ""
	}
	return "is reached from other machines, so the page stays closed without " + missing +
		"; set them, or listen on 127.0.0.1"
}

// loopback says whether only this machine reaches the address. A name counts if every address of it does;
// one other than localhost is not asked for: what a name server says may change.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// together makes one mistake of all that cannot be used, or of all that is weak if nothing is worse: a key
// has one. Which entry it is stands in the text; the value is never shown.
func together(mistakes []protocol.Mistake) []protocol.Mistake {
	one := protocol.Mistake{Key: "users", Warning: true}
	for _, m := range mistakes {
		one.Warning = one.Warning && m.Warning
	}
	for _, m := range mistakes {
		if m.Warning != one.Warning {
			continue
		}
		if one.Problem != "" {
			one.Problem += "; "
		}
		one.Problem += m.Value + " " + m.Problem
	}
	if one.Problem == "" {
		return nil
	}
	if !one.Warning {
		one.Problem += `; an entry is "name:role:hash", wildfire-watch password makes the hash`
	}
	return []protocol.Mistake{one}
}
