// Command peers plays hosts of the camera lab for which no other project's server exists: cheap RTSP
// cameras, with SHA-256 logins or by the hundred, and hosts that mean harm.
//
// It promises that every host ends what it does: bytes, seconds, connections and answers are bounded
// by the constants below, whatever asks. It must never run outside of a lab's namespaces, and shares
// no code with the product: what it says is written from the standards a second time.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Bounds of everything that is played.
const (
	mostConnections = 512              // at once, each host
	mostRequest     = 64 << 10         // bytes read of one request
	patience        = 2 * time.Minute  // for one connection of a camera
	harmBytes       = 256 << 20        // of one endless answer
	harmTime        = time.Minute      // of one endless or dripping answer
	soapBytes       = 100 << 20        // of the SOAP flood
	answersEach     = 1000             // WS-Discovery answers to one probe of the flooder
	answersInAll    = 50_000           // of them in a life
	mdnsEach        = 5000             // packets for one question
	mdnsInAll       = 20_000           // in a life
	mdnsPause       = time.Millisecond // between them
	nesting         = 2_000_000        // elements inside one another
)

// flags are all that a role may be told.
type flags struct {
	paths, auth, user, password, listen string // a camera's
	what, ip, to                        string // a hostile host's
}

var roles = map[string]func(flags) error{
	"camera": playCamera, "endless": playEndless, "soap": playSOAP, "drip": playDrip,
	"redirect": playRedirect, "thief": playThief, "probed": playProbed, "mdns": playMDNS,
}

func main() {
	if err := play(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func play(args []string) error {
	if len(args) == 0 || roles[args[0]] == nil {
		return errors.New("which role?")
	}
	var f flags
	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	set.StringVar(&f.listen, "listen", ":554", "RTSP address of a camera")
	set.StringVar(&f.paths, "path", "/live", "streams, with a comma between them")
	set.StringVar(&f.auth, "auth", "none", "none, basic, digest or sha256")
	set.StringVar(&f.user, "user", "admin", "user of the login")
	set.StringVar(&f.password, "password", "", "password of the login")
	set.StringVar(&f.what, "what", "", "which harm")
	set.StringVar(&f.ip, "ip", "", "the host's own address")
	set.StringVar(&f.to, "to", "", "other hosts' addresses")
	if err := set.Parse(args[1:]); err != nil {
		return err
	}
	return roles[args[0]](f)
}

// note writes one line of a host's log, in the form that the lab's ONVIF devices use.
func note(what string, c net.Conn, more ...any) {
	peer, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	fmt.Fprintf(os.Stderr, "%d %s peer=%s %s\n", time.Now().Unix(), what, peer,
		strings.TrimSpace(fmt.Sprintln(more...)))
}

// serve gives each connection to talk, so many at once; the rest is closed unheard.
func serve(address string, talk func(net.Conn)) error {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	room := make(chan struct{}, mostConnections)
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		select {
		case room <- struct{}{}:
			go func() { defer func() { _ = c.Close(); <-room }(); talk(c) }()
		default:
			_ = c.Close()
		}
	}
}

// all runs the parts of a host until the first of them fails.
func all(parts ...func() error) error {
	failed := make(chan error, len(parts))
	for _, part := range parts {
		go func() { failed <- part() }()
	}
	return <-failed
}
