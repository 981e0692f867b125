// Package mdns is the codec of Multicast DNS (RFC 6762) as far as DNS-SD (RFC 6763) tells of cameras:
// one packet that asks for the services which cameras announce, and the services in an answer.
//
// It promises that a message costs bounded work, that what it returns is short and printable, and
// that a record which cannot be read costs that record and not the others.
// It must never take a web server for a camera, and never believe an address: it says what was announced.
package mdns

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"wildfire-watch/protocol"
)

// Port is the UDP port of Multicast DNS. What does not come from it is no answer (RFC 6762 §6).
const Port = 5353

// Group is the IPv4 multicast group of Multicast DNS.
var Group = netip.AddrFrom4([4]byte{224, 0, 0, 251})

// Bounds on a message.
const (
	// MaxMessage is the largest message in bytes (RFC 6762 §17).
	MaxMessage = 9000
	// MaxServices is how many services of one message are read.
	MaxServices = 32
	// MaxPath is the longest path in bytes.
	MaxPath = 256
	// MaxAsked is how many services one packet asks for by name.
	MaxAsked   = 16
	maxRecords = 256
	maxAddrs   = 4
	maxHosts   = 32
)

// Why a message is rejected.
const (
	TooLarge  protocol.Reject = "size"
	NotDNS    protocol.Reject = "dns"
	NotAnswer protocol.Reject = "question" // somebody asks, or the answer is an error
)

// Kind is what a service is.
type Kind byte

// The services that are read. The first four are asked for.
const (
	RTSP      Kind = iota + 1 // _rtsp._tcp: a stream
	ONVIF                     // _onvif._tcp: a device service
	AxisVideo                 // _axis-video._tcp: an Axis camera's web server
	HTTP                      // _http._tcp: any web server
	Other                     // a printer, a scanner, a computer, a player: no camera
)

var kinds = map[string]Kind{"_rtsp": RTSP, "_onvif": ONVIF, "_axis-video": AxisVideo, "_http": HTTP, "_ipp": Other,
	"_ipps": Other, "_printer": Other, "_pdl-datastream": Other, "_scanner": Other, "_uscan": Other, "_workstation": Other,
	"_smb": Other, "_afpovertcp": Other, "_googlecast": Other, "_airplay": Other, "_raop": Other}

// asked are the services that a search asks for.
var asked = []string{"_rtsp._tcp.local.", "_onvif._tcp.local.", "_axis-video._tcp.local.", "_http._tcp.local."}

// Camera says whether a device with this service is a camera by its own account.
func (k Kind) Camera() bool { return k == RTSP || k == ONVIF || k == AxisVideo }

// Service is one service of a device. Fields that the message does not tell are zero.
type Service struct {
	Kind Kind
	// Instance is its name for people, at most announced.MaxText bytes, printable.
	Instance string
	// Host is the name of the device that has it, in lower case, the same.
	Host string
	Port int // TCP, 1 to 65535
	// Path is that of its stream or page, from the TXT record: begins with /, visible ASCII.
	Path string
	// MAC is from the TXT record, lower case with colons.
	MAC string
	// Addrs are IPv4 addresses of Host. If they lack the sender's, somebody speaks for another.
	Addrs []netip.Addr
	// Gone says that this is a goodbye (RFC 6762 §10.1).
	Gone bool

	name string // in DNS, dots inside of labels replaced
}

// cacheFlush and unicastAnswer are the top bit of a class (RFC 6762 §10.2, §5.4).
const (
	cacheFlush    = 1 << 15
	unicastAnswer = 1 << 15
)

// Query is one packet that asks for the services of cameras, and for port and path of those that are
// known by name alone, MaxAsked at most. With unicast, answers shall come to whoever asked. The id is
// 0 when it is sent from Port.
func Query(id uint16, unicast bool, incomplete ...Service) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id})
	b.EnableCompression()
	class := dnsmessage.ClassINET
	if unicast {
		class |= unicastAnswer
	}
	ask := func(name string, t dnsmessage.Type) {
		if n, err := dnsmessage.NewName(name); err == nil {
			_ = b.Question(dnsmessage.Question{Name: n, Type: t, Class: class})
		}
	}
	_ = b.StartQuestions()
	for _, name := range asked {
		ask(name, dnsmessage.TypePTR)
	}
	left := MaxAsked
	for _, s := range incomplete {
		if s.name == "" || s.Port != 0 || left == 0 {
			continue
		}
		left--
		ask(s.name, dnsmessage.TypeSRV)
		ask(s.name, dnsmessage.TypeTXT)
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	relabel(out, innerDot, '.')
	return out
}

// instance splits the name of a service. False for names of anything else.
func instance(name string) (label string, kind Kind, ok bool) {
	label, rest, _ := strings.Cut(name, ".")
	service, domain, _ := strings.Cut(strings.ToLower(rest), ".")
	if domain != "_tcp.local." {
		return "", 0, false
	}
	kind = kinds[service]
	return label, kind, kind != 0
}
