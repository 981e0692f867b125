package discovery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol/credentials"
)

// The two files of discovery: the operator's logins, which we read, and the ledger, which we write.
// Both are touched outside the mailbox only.

// reason is why a file could not be had, without its name.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return err.Error()
}

// unsafe says why a file of logins must not be read; empty if it may.
func unsafe(about fs.FileInfo) string {
	switch {
	case !about.Mode().IsRegular():
		return "is no regular file"
	case about.Mode().Perm()&0o077 != 0:
		return fmt.Sprintf("has mode %04o, others may read it: chmod 600", about.Mode().Perm())
	case about.Size() > credentials.MaxFile:
		return fmt.Sprintf("is larger than %d bytes", credentials.MaxFile)
	}
	return ""
}

// readLogins reads the file of logins. The problem is what an operator must know, free of secrets; with
// one, what could be read is returned all the same.
func readLogins(path string, salt []byte) (c Credentials, problem string) {
	if path == "" {
		return Credentials{Revision: "none"}, ""
	}
	c.Revision = "unreadable"
	// Asked before it is opened: opening a pipe would wait for its other end.
	about, err := os.Stat(path)
	if err == nil {
		problem = unsafe(about)
	}
	var text []byte
	if err == nil && problem == "" {
		text, about, problem, err = readSafely(path)
	}
	switch {
	case err != nil:
		return c, fmt.Sprintf("read cameras.credentials_file %s: %s", path, reason(err))
	case problem != "":
		return c, fmt.Sprintf("cameras.credentials_file %s %s; it is not read", path, problem)
	}
	entries, problems := credentials.Parse(text)
	c.Revision = printOf(salt, string(text), about.ModTime().UTC().Format(time.RFC3339Nano))
	for _, e := range entries {
		c.All = append(c.All, Credential{Login: e.Login, MAC: e.MAC, IP: e.IP,
			Print: printOf(salt, e.Login.User, e.Login.Password)})
	}
	if len(problems) > 0 {
		more := ""
		if extra := len(problems) - 5; extra > 0 {
			problems, more = problems[:5], fmt.Sprintf(" and %d more", extra)
		}
		problem = fmt.Sprintf("cameras.credentials_file %s: %s%s", path, strings.Join(problems, "; "), more)
	}
	return c, problem
}

// readSafely reads a file if it still is one that may be read once it is open.
func readSafely(path string) (text []byte, about fs.FileInfo, problem string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, "", err
	}
	defer f.Close()
	if about, err = f.Stat(); err != nil {
		return nil, nil, "", err
	}
	if problem = unsafe(about); problem != "" {
		return nil, about, problem, nil
	}
	text, err = io.ReadAll(io.LimitReader(f, credentials.MaxFile+1))
	return text, about, "", err
}

// printOf tells a secret from others and does not tell what it is.
func printOf(salt []byte, parts ...string) string {
	h := hmac.New(sha256.New, salt)
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// keeper keeps the ledger over restarts of the actor and of the process.
type keeper struct {
	path  string // empty: over restarts of the actor alone
	clock actors.Clock

	mu      sync.Mutex // guards what follows: saving runs outside the mailbox
	salt    []byte
	ledger  Ledger
	changes uint64
	base    uint64 // changes of earlier instances
	loaded  bool
}

// stored is the ledger's file. Times are nanoseconds of CLOCK_BOOTTIME: the wall clock of a machine
// without one jumps.
type stored struct {
	Salt     []byte                    `json:"salt"`
	Boot     string                    `json:"boot"`
	Revision string                    `json:"revision"`
	Accounts map[string]storedAccounts `json:"accounts"`
}

type storedAccounts struct {
	Tried   map[string]time.Duration `json:"tried,omitempty"`
	Refused map[string]time.Duration `json:"refused,omitempty"`
	Misses  []time.Duration          `json:"misses,omitempty"`
	Good    string                   `json:"good,omitempty"`
	Doubt   time.Duration            `json:"doubt,omitempty"`
	Locked  time.Duration            `json:"locked,omitempty"`
	Touched time.Duration            `json:"touched"`
	Of      string                   `json:"of,omitempty"`
}

// mostLedger bounds the file.
const mostLedger = 16 << 20

// load reads the ledger once; a file that cannot be used is a fresh one, and the problem says so.
func (k *keeper) load() (ledger Ledger, salt []byte, problem string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded {
		k.base = k.changes
		return k.ledger, k.salt, ""
	}
	k.loaded = true
	var s stored
	if k.path != "" {
		text, err := readBounded(k.path, mostLedger)
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problem = fmt.Sprintf("read the ledger of logins %s: %s; it begins anew", k.path, reason(err))
			s = stored{}
		}
	}
	if k.salt = s.Salt; len(k.salt) < 16 {
		k.salt = make([]byte, 16)
		_, _ = rand.Read(k.salt) // never fails: crypto/rand ends the process instead
	}
	k.ledger = s.ledger(k.clock)
	return k.ledger, k.salt, problem
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("larger than %d bytes", most)
	}
	return text, err
}

// save puts a ledger on disk, unless a newer one is there. It returns when it is safe there: what is
// about to be tried is written down before it is tried.
func (k *keeper) save(l Ledger, changes uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if changes += k.base; changes <= k.changes {
		return nil
	}
	k.ledger, k.changes = l, changes
	if k.path == "" {
		return nil
	}
	text, err := json.Marshal(store(l, k.salt, k.clock))
	if err == nil {
		err = replaceFile(k.path, text)
	}
	if err != nil {
		return fmt.Errorf("write the ledger of logins %s: %s", k.path, reason(err))
	}
	return nil
}

// replaceFile puts a text in the place of a file, whole or not at all, for nobody else to read.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
