// Package hosts finds which hosts there are: on our own links by ARP, beyond a router and without
// privileges by TCP connects, and which of their doors are open.
//
// It promises to be a quiet guest: it sends at most the rate that it is given, smoothly, keeps the
// kernel's neighbour table far from full, says nothing on a connection that it opens, and leaves no
// goroutine, socket or file behind when it returns. What it reports was seen, never inferred.
// It must never decide what is a camera, and never believe a host about another one.
package hosts

import (
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

// DefaultRate is questions a second where none is told: what switches let pass as broadcast and Wi-Fi
// can carry at its lowest rate. MostRate is the most that is taken.
const (
	DefaultRate = 1000
	MostRate    = 10000
)

// Times.
const (
	// lastAnswer is how long after the last question an answer is waited for: sleepers on Wi-Fi take
	// 100 to 300 ms.
	lastAnswer = 300 * time.Millisecond
	// connectTime is how long a host may take to take or refuse a connection.
	connectTime = time.Second
	// retryTime is how soon something that has gone away is looked for again.
	retryTime = 500 * time.Millisecond
)

// mostFlying is connections that are being opened at once.
const mostFlying = 256

// sightingOf is what an ARP message tells.
func sightingOf(h arp.Heard, link protocol.Link) protocol.Sighting {
	return protocol.Sighting{IP: h.IP.String(), MAC: h.MAC.String(), Link: link.Name, Means: protocol.ByARP, At: time.Now()}
}

// rateOf is a rate that is kept, whatever was told.
func rateOf(told int) int {
	if told <= 0 {
		return DefaultRate
	}
	return min(told, MostRate)
}
