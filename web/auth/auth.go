// Package auth says who somebody is and what they may do: users with hashed passwords, sessions, and a
// brake on guessing.
//
// It promises that a wrong name costs as much work as a wrong password, that nothing grows without bound
// whoever knocks, and that a session's name is never one that its browser has chosen. It must never keep,
// log or answer with a password, a hash or a token.
package auth

import (
	"fmt"
	"slices"
	"strings"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/password"
)

// Role is what somebody may do. The zero value may do nothing.
type Role string

// The roles. An operator may also do what a viewer may; a stop is an order and needs an operator.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // orders
)

// May says whether the role includes another.
func (r Role) May(wanted Role) bool {
	return wanted == "" || r == wanted || r == Operator && wanted == Viewer
}

// kept is a hash, see protocol/password.
type kept string

// User is somebody who has a password.
type User struct {
	Name string
	Role Role
	hash kept
}

// Format hides the hash from every verb.
func (u User) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%s (%s)", u.Name, u.Role) }

const maxName = 32

// readUser reads "name:role:hash".
func readUser(line string) (u User, problem string) {
	name, rest, _ := strings.Cut(line, ":")
	role, text, _ := strings.Cut(rest, ":")
	if !validName(name) {
		return u, fmt.Sprintf("has no name that can be used: 1-%d letters, digits, dots, dashes or underscores", maxName)
	}
	u = User{Name: name, Role: Role(role)}
	if u.Role != Viewer && u.Role != Operator {
		return u, "has no role: viewer or operator"
	}
	if err := password.Usable(text); err != nil {
		return u, "has a hash that " + err.Error()
	}
	u.hash = kept(text)
	return u, ""
}

func validName(name string) bool {
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	})
}

// Read reads a list of "name:role:hash", as `wildfire-watch password` prints the hash. A mistake never
// repeats a hash: its Value is the number and the name of the entry.
func Read(lines []string) (users []User, mistakes []protocol.Mistake) {
	for i, line := range lines {
		u, problem := readUser(line)
		if problem == "" && slices.ContainsFunc(users, func(o User) bool { return o.Name == u.Name }) {
			problem = "is there twice"
		}
		entry := fmt.Sprintf("entry %d", i+1)
		if validName(u.Name) {
			entry += " (" + u.Name + ")"
		}
		if problem != "" {
			mistakes = append(mistakes, protocol.Mistake{Value: entry, Problem: problem})
			continue
		}
		if weak := password.Weak(string(u.hash)); weak != "" {
			mistakes = append(mistakes, protocol.Mistake{Value: entry, Problem: "has a weak hash: " + weak, Warning: true})
		}
		users = append(users, u)
	}
	return users, mistakes
}
