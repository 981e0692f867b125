// Package device asks a host, by ONVIF, who it is and which streams it has.
//
// It promises:
//   - it talks to the address that it was given and to no other, whatever addresses, redirects or
//     streams the host names;
//   - an interview is over within its time, costs one connection at a time once the service is found,
//     and bounded memory whatever is answered;
//   - a login that was refused is not sent again in the same interview, mostRefused end it, and so does
//     an answer that speaks of a lock. The one exception is Digest's outdated nonce, once.
//
// It must never write a password where it could be read: it leaves only as a digest, or as HTTP Basic
// where a device of the local network asks for nothing better. Nothing that it reports holds a login or
// text that is not printable.
package device

import (
	"context"
	"net/netip"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/onvif"
)

// defaultTime is how long an interview may take if the order does not say.
const defaultTime = 5 * time.Second

// Answer is what a host told of itself. The zero value of a field says that it did not tell.
type Answer struct {
	// ONVIF says that it is an ONVIF device: it told its clock, or refused us in ONVIF's words.
	ONVIF bool
	// Media says that it names a media service; Video that it has a profile with video: it is a camera.
	Media, Video bool

	XAddr                                       string // of the device service that answered
	Manufacturer, Model, Firmware, Serial, Name string
	MACs                                        []string      // as it says; those of enabled interfaces first
	ClockOffset                                 time.Duration // its clock minus ours, to the second
	Streams                                     []protocol.Stream

	Login   protocol.LoginState // empty: not a device, or it did not come to that
	LoginID string              // the one that is good
	Refused []string            // IDs of the logins refused now
	Problem string              // the first thing that went wrong, free of secrets
}

// Ask interviews the host of the order. It takes o.ONVIFTime at most, and less if ctx ends.
func Ask(ctx context.Context, o protocol.InterviewOrder) Answer {
	ip, err := netip.ParseAddr(o.IP)
	if err != nil {
		return Answer{Problem: "interview: the order names no IP address"}
	}
	most := o.ONVIFTime
	if most <= 0 {
		most = defaultTime
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	s := newSession(ip.Unmap(), o.Logins)
	if s.find(ctx, o) {
		s.identify(ctx)
		s.streams(ctx)
		s.name(ctx)
	}
	return s.done()
}

// Alive says whether the device service at xaddr, on the host ip, answers. It sends no login. The
// problem is free of secrets.
func Alive(ctx context.Context, xaddr, ip string) (alive bool, problem string) {
	host, err := netip.ParseAddr(ip)
	if err != nil {
		return false, "ask for its clock: no IP address"
	}
	at, ok := reach(xaddr, host.Unmap())
	if !ok {
		return false, "ask for its clock: no address of a device service"
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTime)
	defer cancel()
	r := newPeer(host.Unmap()).clock(ctx, at)
	switch r.verdict() {
	case answered, wantsLogin, locked, denied:
		return true, ""
	}
	return false, r.problem(onvif.DateAndTime)
}
