package onvif

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a fault means to us.
type Kind string

// The kinds.
const (
	Refused      Kind = "not authorized"           // it wants a login, or not this one
	Locked       Kind = "account locked"           // or too many sessions: stop asking
	Prohibited   Kind = "operation prohibited"     // not for this user
	NotSupported Kind = "operation not supported"  // it lacks the service or the operation
	Other        Kind = "fault of some other kind" // everything else
)

// Fault is an answer that says no. It holds no word of the device but those of our own tables.
type Fault struct {
	Kind Kind
	Code string // innermost code that is known, as in knownCodes; empty: none is
	// Clock says that the fault complains of the time at which the login was made.
	Clock bool
	// Left is how many more bad logins the device says it will stand; -1 if it does not say.
	Left int
}

// Error says what kind of fault it is.
func (f Fault) Error() string {
	s := string(f.Kind)
	if !slices.Contains([]string{"", "NotAuthorized", "Sender", "Receiver"}, f.Code) { // the others add something
		s += " (" + f.Code + ")"
	}
	if f.Clock {
		s += ": the login's time is wrong by its clock"
	}
	if f.Left >= 0 {
		s += fmt.Sprintf(", %d tries left", f.Left)
	}
	return s
}

// knownCodes are the codes that an error may name: SOAP 1.2, ONVIF Core section 5.8.2 and WS-Security.
var knownCodes = map[string]Kind{
	"NotAuthorized": Refused, "FailedAuthentication": Refused, "InvalidSecurity": Refused, "InvalidSecurityToken": Refused,
	"SecurityTokenUnavailable": Refused, "FailedCheck": Refused, "MessageExpired": Refused,
	"OperationProhibited": Prohibited, "ActionNotSupported": NotSupported, "UnknownAction": NotSupported, "Action": NotSupported,
	"NoSuchService": NotSupported, "Sender": Other, "Receiver": Other, "MustUnderstand": Other, "VersionMismatch": Other,
	"WellFormed": Other, "Tag": Other, "TagMismatch": Other, "Namespace": Other, "MissingAttr": Other, "InvalidArgs": Other,
	"InvalidArgVal": Other, "NoProfile": Other, "NoConfig": Other, "IncompleteConfiguration": Other, "InvalidStreamSetup": Other,
	"OutofMemory": Other, "CriticalError": Other, "CommunicationError": Other, "MaxNVTProfiles": Other,
}

// Words in a fault's reason, for devices that name no code. They are looked for as whole words: "clock"
// holds "lock".
var (
	lockWords   = regexp.MustCompile(`\b(lock|locked|lockout|blocked|too many|illegal login)\b`)
	refuseWords = regexp.MustCompile(`\b(not authorized|unauthorized|not authorised|unauthorised|authority failure|authentication fail(ed|ure)|` +
		`requires authorization|invalid username or password)\b`)
	clockWords = regexp.MustCompile(`\b(in (the )?future|expired|time ?stamp|created)\b`)
	leftWords  = regexp.MustCompile(`still have (\d{1,3}) attempt`)
)

// faultReader gathers what a fault says while it is read.
type faultReader struct {
	codes []string // local names, the outermost first
	words strings.Builder
}

// Bounds on what is gathered.
const (
	maxCodes = 8
	maxWords = 2048
)

// take is told of every element inside the fault, in SOAP 1.2's form or in 1.1's.
func (f *faultReader) take(p path, text string) {
	switch name := p[len(p)-1]; {
	case (name == "Value" && slices.Contains(p, "Code") || name == "faultcode") && len(f.codes) < maxCodes:
		text = strings.TrimSpace(text)
		f.codes = append(f.codes, text[strings.LastIndexByte(text, ':')+1:])
	case f.words.Len() < maxWords:
		f.words.WriteString(strings.Join(strings.Fields(strings.ToLower(text)), " ") + "\n")
	}
}

func (f *faultReader) fault() error {
	fault := Fault{Kind: Other, Left: -1}
	for _, code := range f.codes {
		if kind, known := knownCodes[code]; known {
			fault.Kind, fault.Code = kind, code
		}
	}
	said := f.words.String()
	fault.Clock = fault.Code == "MessageExpired" || clockWords.MatchString(said)
	if found := leftWords.FindStringSubmatch(said); found != nil {
		fault.Left, _ = strconv.Atoi(found[1])
	}
	switch {
	case lockWords.MatchString(said):
		fault.Kind = Locked
	case fault.Kind == Other && refuseWords.MatchString(said):
		fault.Kind = Refused
	}
	return fault
}

// SaysLocked says whether the body of a refusal, SOAP or not, speaks of a locked account.
func SaysLocked(body []byte) bool {
	return lockWords.Match(bytes.ToLower(body))
}
