// Package access says who may publish and read what on our broker: users, their roles, and the one table
// of rights, which is made from protocol.Topics.
//
// It promises that a filter with wildcards is granted only if every topic that it reaches may be read, and
// that a topic which no row names is nobody's to publish. It checks no password (protocol/password does)
// and reads no message.
package access

import (
	"fmt"
	"slices"
	"strings"

	"wildfire-watch/protocol/password"
)

// Role is what a user is to us.
type Role string

// The roles. A camera, or the NVR, reports; a monitor reads; an operator also gives orders.
const (
	Camera   Role = "camera"
	Monitor  Role = "monitor"
	Operator Role = "operator"
)

// Roles lists them, the least first.
var Roles = []Role{Camera, Monitor, Operator}

// Certificate stands in the place of a hash for a user who comes with a client certificate alone.
const Certificate = "certificate"

// Bounds of a list of users.
const (
	MaxUsers = 256
	MaxName  = 64 // characters of a user's name
)

// User is one who may log in. Its Hash never leaves the process: String leaves it out.
type User struct {
	Name string
	Role Role
	Hash string // argon2id or bcrypt; Certificate: no password will do
}

// String is the user without the hash.
func (u User) String() string { return u.Name + ":" + string(u.Role) }

// GoString is the same: %#v tells no hash either.
func (u User) GoString() string { return u.String() }

// Entries is what an entry of a list of users looks like.
const Entries = `"name:role:hash", the role camera, monitor or operator, the hash made by wildfire-watch password`

// Problem is what is wrong with one entry; Weak: it is used all the same. Text holds no secret.
type Problem struct {
	Text string
	Weak bool
}

// Parse reads a list of users, "name:role:hash". Entries with a problem that is not only weak are left
// out.
func Parse(entries []string) (users []User, problems []Problem) {
	wrong := func(i int, format string, args ...any) {
		problems = append(problems, Problem{Text: fmt.Sprintf("entry %d %s", i+1, fmt.Sprintf(format, args...))})
	}
	for i, entry := range entries {
		part := strings.SplitN(entry, ":", 3)
		if len(users) >= MaxUsers {
			wrong(i, "is one too many: at most %d", MaxUsers)
			return users, problems
		}
		if len(part) != 3 {
			wrong(i, "is not %s", Entries)
			continue
		}
		u := User{part[0], Role(part[1]), part[2]}
		if why := u.wrong(); why != "" {
			wrong(i, "%s", why)
			continue
		}
		if slices.ContainsFunc(users, func(o User) bool { return o.Name == u.Name }) {
			wrong(i, "names %s a second time", u.Name)
			continue
		}
		if why := password.Weak(u.Hash); why != "" {
			problems = append(problems, Problem{fmt.Sprintf("the password of %s is weakly hashed: %s", u.Name, why), true})
		}
		users = append(users, u)
	}
	return users, problems
}

// wrong says what is wrong with a user. It never repeats what may be a password.
func (u User) wrong() string {
	if !ValidName(u.Name) {
		return fmt.Sprintf("has no name of 1 to %d letters, digits, . _ - or @", MaxName)
	}
	if !slices.Contains(Roles, u.Role) {
		return "gives " + u.Name + " no role: camera, monitor or operator"
	}
	if u.Hash == Certificate {
		return ""
	}
	if err := password.Usable(u.Hash); err != nil {
		return "gives " + u.Name + " no hash that can be used: it " + err.Error() +
			"; wildfire-watch password makes one, and no password belongs into this file"
	}
	return ""
}

// ValidName says whether a user can have that name.
func ValidName(name string) bool {
	return name != "" && len(name) <= MaxName && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@", r))
	})
}
