// Package wsdiscovery is the codec of WS-Discovery, by which ONVIF cameras are searched for and
// announce themselves: the draft of April 2005, which ONVIF prescribes (Core Specification §7.3),
// and OASIS WS-Discovery 1.1, which is read alike because names are matched without their namespace.
//
// It promises that a message costs work linear in its size, which is bounded, that what it returns is
// short and printable, and that a word which cannot be read costs that word and not the device.
// It must never expand an entity, read a DTD, or believe an address: it says what was announced.
package wsdiscovery

import (
	"net/netip"
	"strings"

	"wildfire-watch/protocol"
)

// Port is the UDP port of WS-Discovery, and that of Group.
const Port = 3702

// Group is the IPv4 multicast group of WS-Discovery.
var Group = netip.AddrFrom4([4]byte{239, 255, 255, 250})

// Bounds on a message.
const (
	// MaxMessage is the largest envelope in bytes (SOAP-over-UDP 1.1, §4: MAX_ENVELOPE_SIZE).
	MaxMessage  = 32767
	maxDepth    = 16  // elements inside one another; an honest message has six
	maxPrefixes = 256 // declared at one time; gSOAP declares about sixty
	maxTypes    = 16  // of one device
	maxScopes   = 64
	// MaxMatches is how many devices of one message are read. A device answers with one, an NVR
	// may with one for each channel; the rest is left out.
	MaxMatches = 8
	// MaxXAddrs is how many addresses of one device are read (protocol.Sighting), each at most
	// MaxXAddr bytes long.
	MaxXAddrs = 8
	MaxXAddr  = 256
	// MaxEPR is the longest endpoint address in bytes.
	MaxEPR = 128
)

// Why a message is rejected.
const (
	TooLarge protocol.Reject = "size"
	NotXML   protocol.Reject = "xml"    // not well-formed, in an unknown encoding, nested too deep
	DTD      protocol.Reject = "dtd"    // has a document type: nobody honest sends one
	NotKnown protocol.Reject = "action" // no envelope, or none of the messages below
)

// Kind is what a message is.
type Kind byte

// The messages that are read. The zero value is none.
const (
	Probe Kind = iota + 1 // somebody searches
	Hello                 // a device says that it is there
	Bye                   // a device says that it leaves
	ProbeMatches
)

// Message is one message.
type Message struct {
	Kind Kind
	// ID and RelatesTo are MessageIDs in lower case without "urn:" and "uuid:", at most MaxEPR
	// bytes; empty if missing.
	ID, RelatesTo string
	// Devices are whom it tells of: one of Hello and Bye, up to MaxMatches of ProbeMatches.
	Devices []Device
}

// Answers says whether the message may be an answer to the Probe with this ID. Cameras are sloppy:
// some send the Probe's ID as their own MessageID, some relate to nothing; those that relate to
// another message answer somebody else.
func (m Message) Answers(id string) bool {
	return m.Kind == ProbeMatches && (m.RelatesTo == "" || m.RelatesTo == bare(id))
}

// Device is what one device announces. Fields that it does not announce are zero.
type Device struct {
	// EPR is its endpoint address, "urn:uuid:…" in lower case, or any other address in lower case.
	EPR string
	// Camera says that it calls itself an ONVIF NetworkVideoTransmitter, by its types or by its
	// scopes, or says that it streams (profiles S and T).
	Camera bool
	// ONVIF says that it has an ONVIF type or scope: it may be a camera, an NVR, a door.
	ONVIF bool
	// Other says that it calls itself a printer, a scanner, a computer or a display, and no camera.
	Other bool
	// Name, Hardware and Location are from its ONVIF scopes (Core Specification §7.3.2.2).
	Name, Hardware, Location string
	// MAC is from its scopes, lower case with colons. ONVIF knows no such scope; some makers do.
	MAC string
	// XAddrs are the addresses of its device service as announced: http or https, without a login.
	// The host may be anything: 0.0.0.0, a link-local address, one of another network.
	XAddrs []string
}

// bare is a message's ID without the prefixes that some devices add and some take away.
func bare(id string) string {
	id = strings.ToLower(strings.TrimSpace(id))
	id = strings.TrimPrefix(strings.TrimPrefix(id, "urn:"), "uuid:")
	return word(id, MaxEPR)
}

// word is s if it is visible ASCII and at most limit bytes long, otherwise empty.
func word(s string, limit int) string {
	if len(s) > limit {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return ""
		}
	}
	return s
}
