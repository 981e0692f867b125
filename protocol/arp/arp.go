// Package arp reads and writes ARP for IPv4 over Ethernet (RFC 826, address conflict detection of
// RFC 5227), one frame at a time.
//
// It promises that what it reads names one host: a usable sender address and the MAC of one station.
// It reads any bytes in constant time and without allocating. It must never open a socket, and never
// believe a length that the sender states.
package arp

import (
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"wildfire-watch/protocol"
)

// Sizes in bytes.
const (
	addressSize = 6 // of a MAC
	ipSize      = 4
	// bodySize is an ARP message for IPv4 over Ethernet.
	bodySize = 8 + 2*addressSize + 2*ipSize
	// FrameSize is what Ask writes: the least that Ethernet carries, without check sum.
	FrameSize = 60
	// Enough is how much of a frame Read looks at: header, two VLAN tags, body. A socket may cut the rest.
	Enough = 14 + mostTags*4 + bodySize
	// mostTags is 802.1ad with 802.1Q inside. More is no home's network.
	mostTags = 2
)

// Why a frame is refused.
const (
	TooShort   protocol.Reject = "size"
	NotARP     protocol.Reject = "type"
	NotIPv4    protocol.Reject = "hardware" // ARP, but not for IPv4 over Ethernet
	BadKind    protocol.Reject = "operation"
	BadSender  protocol.Reject = "mac"     // no station's MAC
	BadAddress protocol.Reject = "address" // no host's address
)

// Kind is what a frame says.
type Kind uint8

// The kinds of frames.
const (
	// Asking is a request: its sender is there.
	Asking Kind = iota + 1
	// Answering is a reply.
	Answering
	// Announcing is a gratuitous request or reply: the sender has the address, now (RFC 5227 §2.3).
	Announcing
	// Probing asks whether an address is free (RFC 5227 §2.1.1). The sender is there and may not have
	// the address: another host may still say that it is taken.
	Probing
)

// Heard is what one frame says.
type Heard struct {
	IP  netip.Addr // the sender's; of a probe the address that it would like to have
	MAC MAC        // the sender's
	// Proxied says that a station other than MAC put the frame on the wire.
	Proxied bool
	Kind    Kind
}

// Reader reads frames. It is not for use by several goroutines at once.
type Reader struct {
	ethernet layers.Ethernet
	tag      layers.Dot1Q
	arp      layers.ARP
}

// Read reads one frame, with or without VLAN tags. The error is a protocol.Reject.
//
// The sender is the one in the ARP message, not the one of the Ethernet frame: that is where every
// other host, and our kernel, will send to. The two differ where an access point or a repeater answers
// for its clients, or a bond sends through another port; Proxied says so. A message whose sender is
// zero, broadcast or multicast is refused: clusters answer with a multicast MAC, which is no camera,
// and a zero or broadcast MAC is a mistake or an attack, and would become the identity of a device.
// The MAC of the frame may be anything: nothing rests on it.
func (r *Reader) Read(frame []byte) (Heard, error) {
	body, err := r.body(frame)
	if err != nil {
		return Heard{}, err
	}
	if len(body) < bodySize {
		return Heard{}, TooShort
	}
	// The lengths are looked at before gopacket does: it adds them up in one byte.
	if body[4] != addressSize || body[5] != ipSize {
		return Heard{}, NotIPv4
	}
	if err := r.arp.DecodeFromBytes(body[:bodySize], gopacket.NilDecodeFeedback); err != nil {
		return Heard{}, TooShort
	}
	if r.arp.AddrType != layers.LinkTypeEthernet || r.arp.Protocol != layers.EthernetTypeIPv4 {
		return Heard{}, NotIPv4
	}
	return r.heard()
}

// body finds the ARP message behind the headers.
func (r *Reader) body(frame []byte) ([]byte, error) {
	if len(frame) > Enough {
		frame = frame[:Enough]
	}
	if err := r.ethernet.DecodeFromBytes(frame, gopacket.NilDecodeFeedback); err != nil {
		return nil, TooShort
	}
	kind, body := r.ethernet.EthernetType, r.ethernet.Payload
	for range mostTags {
		if kind != layers.EthernetTypeDot1Q && kind != layers.EthernetTypeQinQ {
			break
		}
		if err := r.tag.DecodeFromBytes(body, gopacket.NilDecodeFeedback); err != nil {
			return nil, TooShort
		}
		kind, body = r.tag.Type, r.tag.Payload
	}
	if kind != layers.EthernetTypeARP {
		return nil, NotARP
	}
	return body, nil
}

// heard judges the message that was read last.
func (r *Reader) heard() (h Heard, err error) {
	h.MAC = MAC(r.arp.SourceHwAddress)
	h.Proxied = h.MAC != MAC(r.ethernet.SrcMAC)
	h.IP = netip.AddrFrom4([ipSize]byte(r.arp.SourceProtAddress))
	about := netip.AddrFrom4([ipSize]byte(r.arp.DstProtAddress))
	question := r.arp.Operation == layers.ARPRequest
	switch {
	case !question && r.arp.Operation != layers.ARPReply:
		return Heard{}, BadKind
	case question && h.IP.IsUnspecified():
		h.Kind, h.IP = Probing, about
	case h.IP == about:
		h.Kind = Announcing
	case question:
		h.Kind = Asking
	default:
		h.Kind = Answering
	}
	if !h.MAC.Station() {
		return Heard{}, BadSender
	}
	if !Host(h.IP) {
		return Heard{}, BadAddress
	}
	return h, nil
}

// Host says whether an IPv4 address may belong to a host on a link: not 0.0.0.0/8 (RFC 1122 §3.2.1.3),
// not loopback, multicast, reserved or broadcast. Link-local ones may.
func Host(ip netip.Addr) bool {
	if !ip.Is4() {
		return false
	}
	first := ip.As4()[0]
	return first != 0 && first != 127 && first < 224
}

// Question writes requests of one sender.
type Question struct {
	mac    MAC
	from   [ipSize]byte
	target [ipSize]byte
	out    gopacket.SerializeBuffer
	frame  layers.Ethernet
	arp    layers.ARP
	parts  []gopacket.SerializableLayer
}

// all is where a question goes; nobody is what it says of the MAC that it asks for.
var (
	all    = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	nobody [addressSize]byte
)

// NewQuestion asks as the station mac with the IPv4 address from. The zero address makes probes of
// its questions (RFC 5227 §2.1.1): they change no neighbour table.
func NewQuestion(mac MAC, from netip.Addr) *Question {
	q := &Question{mac: mac, out: gopacket.NewSerializeBufferExpectedSize(FrameSize, 0)}
	if from.Is4() {
		q.from = from.As4()
	}
	q.frame = layers.Ethernet{SrcMAC: q.mac[:], DstMAC: all, EthernetType: layers.EthernetTypeARP}
	q.arp = layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4,
		HwAddressSize: addressSize, ProtAddressSize: ipSize, Operation: layers.ARPRequest,
		SourceHwAddress: q.mac[:], SourceProtAddress: q.from[:],
		DstHwAddress: nobody[:], DstProtAddress: q.target[:],
	}
	q.parts = []gopacket.SerializableLayer{&q.frame, &q.arp}
	return q
}

// Ask writes the frame that asks who has an IPv4 address: FrameSize bytes, valid until the next call.
// The error is a protocol.Reject.
func (q *Question) Ask(target netip.Addr) ([]byte, error) {
	if !Host(target) {
		return nil, BadAddress
	}
	q.target = target.As4()
	if err := gopacket.SerializeLayers(q.out, gopacket.SerializeOptions{FixLengths: true}, q.parts...); err != nil {
		return nil, TooShort
	}
	return q.out.Bytes(), nil
}
