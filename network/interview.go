package network

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wildfire-watch/network/device"
	"wildfire-watch/network/hosts"
	"wildfire-watch/network/stream"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/oui"
	"wildfire-watch/protocol/rtsp"
)

// Proofs that a host is a camera (SPEC §5).
const (
	provedByONVIF    = "onvif"
	provedByDescribe = "describe"
)

// mostDescribed is how many of the streams that ONVIF tells are looked at over RTSP.
const mostDescribed = 4

// Interview asks one host who it is and which streams it has: ONVIF first, which tells the most for one
// login, then RTSP, with the streams that ONVIF told or by the paths of the maker. A login that was
// refused by one of them is not shown to the other: a device counts wrong passwords together.
func (n *Network) Interview(ctx context.Context, o protocol.InterviewOrder) protocol.Interviewed {
	if o.Maker == "" {
		o.Maker = oui.Maker(o.MAC)
	}
	ask := o
	onvif, doors := split(o)
	ask.Ports, ask.Doors = onvif, doors // what is a door of streams is not asked for ONVIF
	if other, met := stranger(ctx, o.IP, o.MAC, port(doors, onvif)); other != "" {
		a := protocol.Interviewed{Key: o.Key, Generation: o.Generation, IP: o.IP, At: time.Now(), Open: met,
			Problem: "another device has its address: " + other}
		if met {
			a.MAC = other
		}
		return a
	}
	who := device.Ask(ctx, ask)
	a := protocol.Interviewed{Key: o.Key, Generation: o.Generation, IP: o.IP, Open: who.ONVIF,
		Manufacturer: who.Manufacturer, Model: who.Model, Firmware: who.Firmware, Serial: who.Serial,
		Name: who.Name, MACs: who.MACs, XAddr: who.XAddr, ClockOffset: who.ClockOffset,
		Login: who.Login, LoginID: who.LoginID, Refused: who.Refused}
	if who.ONVIF {
		a.Problem = who.Problem
	}
	if who.Video || who.Media && o.Transmitter {
		a.Proof = provedByONVIF
	}
	logins := left(o.Logins, who)
	switch {
	case who.Login == protocol.LoginLocked: // one question more might keep it locked
	case len(who.Streams) > 0:
		describe(ctx, o, who.Streams, logins, &a)
	default:
		search(ctx, o, doors, logins, &a)
	}
	if a.Proof != "" && a.Manufacturer == "" {
		a.Manufacturer = o.Maker
	}
	if a.At = time.Now(); a.Open || a.Proof != "" { // otherwise nobody has answered
		a.MAC = macAt(o.IP)
	}
	return a
}

// port is one at which the host may be met.
func port(doors []protocol.Door, onvif []int) int {
	switch {
	case len(doors) > 0:
		return doors[0].Port
	case len(onvif) > 0:
		return onvif[0]
	}
	return rtsp.Port
}

// split tells the ports where ONVIF may answer from the doors where RTSP may.
func split(o protocol.InterviewOrder) (onvif []int, doors []protocol.Door) {
	all := slices.Clone(o.Doors)
	for _, port := range o.Ports {
		all = append(all, protocol.Door{Port: port})
	}
	for _, d := range all {
		known := slices.IndexFunc(hosts.Doors[:], func(h hosts.Door) bool { return h.Port == d.Port })
		switch {
		case known >= 0 && !hosts.Doors[known].RTSP && d.Path == "":
			if !slices.Contains(onvif, d.Port) {
				onvif = append(onvif, d.Port)
			}
		case !slices.ContainsFunc(doors, func(have protocol.Door) bool {
			return have.Port == d.Port && (have.Path == d.Path || d.Path == "")
		}):
			doors = append(doors, d)
		}
	}
	return onvif, doors
}

// left is what may still be tried: the good login alone, if there is one, else those not refused.
func left(logins []protocol.Login, who device.Answer) []protocol.Login {
	return slices.DeleteFunc(slices.Clone(logins), func(l protocol.Login) bool {
		return who.LoginID != "" && l.ID != who.LoginID || slices.Contains(who.Refused, l.ID)
	})
}

// describe looks at the streams that ONVIF told: codec and size are what the SDP says, for ONVIF's first
// media service calls everything H264.
func describe(ctx context.Context, o protocol.InterviewOrder, told []protocol.Stream,
	logins []protocol.Login, a *protocol.Interviewed,
) {
	a.Streams = slices.Clone(told)
	defer func() { largestFirst(a.Streams) }()
	var login protocol.Login
	if len(logins) > 0 {
		login = logins[0]
	}
	for i := range a.Streams[:min(len(told), mostDescribed)] {
		s := &a.Streams[i]
		if s.URL == "" {
			continue
		}
		exchange, cancel := context.WithTimeout(ctx, patience(o))
		saw := stream.Describe(exchange, s.URL, login)
		cancel()
		if saw.Status != 0 {
			a.Open = true
		}
		switch saw.Outcome {
		case stream.Video:
			join(s, saw.Stream)
			if a.Proof == "" {
				a.Proof = provedByDescribe
			}
			if a.Login == "" || a.Login == protocol.LoginNone {
				a.Login = saw.Login
				if saw.Login == protocol.LoginGood {
					a.LoginID = login.ID
				}
			}
		case stream.LoginWrong, stream.Busy:
			a.Problem = saw.Problem
			refused(a, saw, login)
			return // not one try more
		default:
			if a.Problem == "" {
				a.Problem = saw.Problem
			}
		}
	}
}

// largestFirst puts the main stream first, if the sizes tell which it is: ONVIF's order and its sizes are
// what some devices make up.
func largestFirst(streams []protocol.Stream) {
	if slices.ContainsFunc(streams, func(s protocol.Stream) bool { return s.Width == 0 }) {
		return
	}
	slices.SortStableFunc(streams, func(a, b protocol.Stream) int {
		return cmp.Compare(b.Width*b.Height, a.Width*a.Height)
	})
}

// refused notes that RTSP did not take a login; one that ONVIF took is not forgotten for that.
func refused(a *protocol.Interviewed, saw stream.Answer, login protocol.Login) {
	if a.LoginID != "" || saw.Outcome != stream.LoginWrong {
		return
	}
	a.Login = protocol.LoginWrong
	if !slices.Contains(a.Refused, login.ID) {
		a.Refused = append(a.Refused, login.ID)
	}
}

// join adds what the SDP says to what ONVIF told.
func join(s *protocol.Stream, sdp protocol.Stream) {
	if sdp.Codec != "" {
		s.Codec = sdp.Codec
	}
	if sdp.Width > 0 {
		s.Width, s.Height = sdp.Width, sdp.Height
	}
	if sdp.FPS > 0 {
		s.FPS = sdp.FPS
	}
	s.Audio, s.UDPOnly = sdp.Audio, sdp.UDPOnly
}

// search looks for the streams of a host that told none.
func search(ctx context.Context, o protocol.InterviewOrder, doors []protocol.Door,
	logins []protocol.Login, a *protocol.Interviewed,
) {
	if len(doors) == 0 {
		return
	}
	found := stream.Find(ctx, stream.Search{Host: o.IP, Doors: doors, Paths: rtsp.Paths(o.Maker),
		Logins: logins, Exchange: patience(o)})
	a.Streams, a.Open = found.Streams, a.Open || found.Open
	a.Refused = append(a.Refused, found.Refused...)
	if len(found.Streams) > 0 && a.Proof == "" {
		a.Proof = provedByDescribe
	}
	if a.Login == "" || found.Login == protocol.LoginGood || found.Login == protocol.LoginLocked {
		a.Login, a.LoginID = found.Login, found.LoginID
	}
	if a.Proof == "" {
		a.Suspect = found.Suspect
	}
	if a.Problem == "" {
		a.Problem = found.Problem
	}
}

// patience is the time for one RTSP exchange.
func patience(o protocol.InterviewOrder) time.Duration {
	if o.RTSPTime <= 0 {
		return 10 * time.Second
	}
	return o.RTSPTime
}
