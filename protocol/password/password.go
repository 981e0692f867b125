// Package password keeps passwords as what cannot be turned back into them: argon2id in PHC's form
// ("$argon2id$v=19$m=19456,t=2,p=1$salt$key") or bcrypt ("$2b$12$…").
//
// It promises that a look at a password takes the same work whether the user exists or not, and that no
// hash of anybody's makes it take more than a bounded one. It never keeps or tells a password.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// Bounds of what is accepted. A hash that asks for more would let a login stop the machine.
const (
	MaxPassword = 1024      // bytes of a password
	MinPassword = 10        // bytes of a new one
	mostMemory  = 128 << 10 // KiB
	leastMemory = 8         // KiB, for each lane
	mostPasses  = 16
	mostLanes   = 8
	mostCost    = 14 // of bcrypt: a second on a small machine
	leastCost   = 10 // below it: weak (OWASP, password storage)
	leastSalt   = 8  // bytes
	fullSalt    = 16 // bytes; below it: weak
	mostBytes   = 64 // of salt and of key
	leastKey    = 16 // bytes
)

// usual is what Hash makes: OWASP's second choice, 19 MiB and two passes, some 50 ms on a Raspberry Pi 4.
var usual = cost{memory: 19 << 10, passes: 2, lanes: 1}

const usualKey = 32

// cost is argon2's.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// argon is a hash of argon2id.
type argon struct {
	cost
	salt, key []byte
}

// decoy is what a password is held against where there is no hash.
var decoy = argon{usual, make([]byte, fullSalt), make([]byte, usualKey)}

// Verify says whether the password is that of the hash. Without a hash that is one (an unknown user's
// is empty) it is false, after the work that a usual hash takes.
func Verify(hash, password string) bool {
	if len(password) > MaxPassword {
		password = password[:MaxPassword] + "…" // no hash of ours: longer ones are never made
	}
	if isBcrypt(hash) {
		if Usable(hash) == nil {
			return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
		}
		hash = ""
	}
	a, err := parse(hash)
	if err != nil {
		a = decoy
	}
	key := argon2.IDKey([]byte(password), a.salt, a.passes, a.memory, a.lanes, uint32(len(a.key)))
	return subtle.ConstantTimeCompare(key, a.key) == 1 && err == nil
}

// Hash makes a hash of a new password of MinPassword to MaxPassword bytes.
func Hash(password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("hash the password: it has %d characters, wanted are %d to %d", len(password),
			MinPassword, MaxPassword)
	}
	salt := make([]byte, fullSalt)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	key := argon2.IDKey([]byte(password), salt, usual.passes, usual.memory, usual.lanes, usualKey)
	code := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, usual.memory, usual.passes,
		usual.lanes, code.EncodeToString(salt), code.EncodeToString(key)), nil
}

// Usable says why a text is no hash that is accepted; nil if it is one. The error never holds the text:
// it may be a password.
func Usable(hash string) error {
	if !isBcrypt(hash) {
		_, err := parse(hash)
		return err
	}
	n, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil || len(hash) != 60:
		return errors.New("is no whole bcrypt hash")
	case n > mostCost:
		return fmt.Errorf("has a bcrypt cost of %d, at most %d is accepted", n, mostCost)
	}
	return nil
}

// Weak says why a usable hash is too easy to try passwords against; empty if it is not.
func Weak(hash string) (why string) {
	if isBcrypt(hash) {
		if n, err := bcrypt.Cost([]byte(hash)); err == nil && n < leastCost {
			return fmt.Sprintf("bcrypt cost %d, at least %d is wanted", n, leastCost)
		}
		return ""
	}
	a, err := parse(hash)
	switch {
	case err != nil:
		return ""
	case len(a.salt) < fullSalt:
		return fmt.Sprintf("a salt of %d bytes, at least %d are wanted", len(a.salt), fullSalt)
	case a.weak():
		return fmt.Sprintf("argon2id with m=%d, t=%d; at least m=%d, t=%d is wanted", a.memory, a.passes,
			usual.memory, usual.passes)
	}
	return ""
}

// weak goes by the table of OWASP's password storage cheat sheet: less memory wants more passes.
func (c cost) weak() bool {
	for _, enough := range []cost{{memory: 47104, passes: 1}, {memory: 19456, passes: 2},
		{memory: 12288, passes: 3}, {memory: 9216, passes: 4}, {memory: 7168, passes: 5}} {
		if c.memory >= enough.memory && c.passes >= enough.passes {
			return false
		}
	}
	return true
}

func isBcrypt(hash string) bool {
	return strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, "$2b$") || strings.HasPrefix(hash, "$2y$")
}

var errNoHash = errors.New("is no hash, $argon2id$… or $2b$…")

// parse reads a hash of argon2id.
func parse(hash string) (a argon, err error) {
	part := strings.Split(hash, "$")
	if len(hash) > 512 || len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return a, errNoHash
	}
	if part[2] != "v="+strconv.Itoa(argon2.Version) {
		return a, fmt.Errorf("is not of argon2's version %d", argon2.Version)
	}
	if a.cost, err = parseCost(part[3]); err != nil {
		return a, err
	}
	code := base64.RawStdEncoding.Strict()
	if a.salt, err = code.DecodeString(part[4]); err != nil || len(a.salt) < leastSalt || len(a.salt) > mostBytes {
		return a, fmt.Errorf("has no salt of %d to %d bytes", leastSalt, mostBytes)
	}
	if a.key, err = code.DecodeString(part[5]); err != nil || len(a.key) < leastKey || len(a.key) > mostBytes {
		return a, fmt.Errorf("has no key of %d to %d bytes", leastKey, mostBytes)
	}
	return a, nil
}

func parseCost(s string) (c cost, err error) {
	var n [3]uint64
	parts := strings.Split(s, ",")
	if len(parts) != len(n) {
		return c, errNoHash
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(parts[i], name)
		if n[i], err = strconv.ParseUint(digits, 10, 32); !ok || err != nil {
			return c, errNoHash
		}
	}
	if n[2] < 1 || n[2] > mostLanes || n[1] < 1 || n[1] > mostPasses || n[0] < leastMemory*n[2] || n[0] > mostMemory {
		return c, fmt.Errorf("asks for more or less than is accepted: m to %d, t 1 to %d, p 1 to %d", mostMemory,
			mostPasses, mostLanes)
	}
	return cost{memory: uint32(n[0]), passes: uint32(n[1]), lanes: uint8(n[2])}, nil
}
