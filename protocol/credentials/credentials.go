// Package credentials reads the file of logins (SPEC §5, cameras.credentials_file): a login a line,
//
//	# the two by the gate
//	user:password
//	aa:bb:cc:dd:ee:ff user:password
//	192.168.1.20 user:password
//
// A MAC or an IP before a login, and a space or tab, binds it to that camera. The user ends at the first
// colon after that; the rest of the line is the password, colons and spaces in it included. Blanks
// around a line do not count; a password that begins or ends with one stands in double quotes, in which
// \" is a quote and \\ a backslash. A line that begins with # is a comment; # elsewhere is part of the
// password. An empty password is one.
//
// It promises that what it says of a line that it cannot read never repeats it. It reads text, no file.
package credentials

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// The bounds of a file. The longest user and password are those that RTSP and ONVIF devices take.
const (
	MaxFile     = 64 << 10 // bytes
	MaxEntries  = 256
	MaxUser     = 128 // bytes
	MaxPassword = 256 // bytes
)

// Entry is one login and the camera that it is bound to: by MAC (lower case with :), by IP, or neither.
type Entry struct {
	Login   protocol.Login // its ID is "line 3"
	MAC, IP string
}

// Parse reads a file. Each line that is none is told of, "line 3: no colon between user and password",
// and left out; the others count.
func Parse(text []byte) (entries []Entry, problems []string) {
	if len(text) > MaxFile {
		return nil, []string{fmt.Sprintf("larger than %d bytes", MaxFile)}
	}
	number := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id := fmt.Sprintf("line %d", number)
		e, problem := parse(line)
		if len(entries) == MaxEntries && problem == "" {
			return entries, append(problems, fmt.Sprintf("%s: more than %d logins", id, MaxEntries))
		}
		if problem != "" {
			problems = append(problems, id+": "+problem)
			continue
		}
		e.Login.ID = id
		entries = append(entries, e)
	}
	return entries, problems
}

// parse reads one line.
func parse(line string) (e Entry, problem string) {
	if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool {
		return unicode.IsControl(r) && r != '\t'
	}) {
		return e, "holds characters that cannot be typed"
	}
	if end := strings.IndexAny(line, " \t"); end > 0 {
		first, rest := line[:end], strings.TrimSpace(line[end:])
		if mac, ok := protocol.ParseDeviceMAC(first); ok {
			e.MAC, line = mac, rest
		} else if ip, ok := protocol.ParseHostIP(first); ok {
			e.IP, line = ip, rest
		} else if _, ok := protocol.ParseMAC(first); ok {
			return e, "a MAC that is no single device's"
		}
	}
	user, password, ok := strings.Cut(line, ":")
	switch {
	case !ok:
		return e, "no colon between user and password"
	case user == "":
		return e, "no user before the colon"
	case strings.ContainsAny(user, " \t"):
		return e, "a blank in the user: what stands before a login is a MAC or an IP"
	case len(user) > MaxUser:
		return e, fmt.Sprintf("a user of more than %d bytes", MaxUser)
	}
	if strings.HasPrefix(password, `"`) {
		if password, ok = unquote(password); !ok {
			return e, `a password that begins with a quote must end with one, with \" and \\ between`
		}
	}
	if len(password) > MaxPassword {
		return e, fmt.Sprintf("a password of more than %d bytes", MaxPassword)
	}
	e.Login.User, e.Login.Password = user, password
	return e, ""
}

// unquote reads a password in double quotes.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", false
}
