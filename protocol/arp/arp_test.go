package arp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"wildfire-watch/protocol"
)

var (
	camera = MAC{0x44, 0x19, 0xb6, 0x0a, 0x00, 0x01}
	bridge = MAC{0x02, 0x00, 0x5e, 0x00, 0x00, 0x01}
	us     = MAC{0x02, 0x00, 0x5e, 0x00, 0x00, 0x02}
	home   = netip.MustParseAddr("10.77.0.11")
	ours   = netip.MustParseAddr("10.77.0.2")
)

// message is one ARP frame, written by hand: what gopacket writes is not held against itself.
type message struct {
	carrier, sender MAC // carrier zero: the sender
	from, about     string
	operation       uint16
	tags            []uint16 // VLAN, outermost first
	hardware        uint16   // 0: Ethernet
	protocol        uint16   // 0: IPv4
	sizes           [2]byte  // zero: 6 and 4
	kind            uint16   // EtherType; 0: ARP
	cut             int      // bytes taken from the end
}

func (m message) frame() []byte {
	if m.carrier == (MAC{}) {
		m.carrier = m.sender
	}
	or := func(v, otherwise uint16) uint16 {
		if v == 0 {
			return otherwise
		}
		return v
	}
	b := slices.Concat(bytes.Repeat([]byte{0xff}, 6), m.carrier[:])
	for i, tag := range m.tags {
		outer := uint16(0x8100)
		if i == 0 && len(m.tags) > 1 {
			outer = 0x88a8
		}
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, outer), tag)
	}
	b = binary.BigEndian.AppendUint16(b, or(m.kind, 0x0806))
	b = binary.BigEndian.AppendUint16(b, or(m.hardware, 1))
	b = binary.BigEndian.AppendUint16(b, or(m.protocol, 0x0800))
	if m.sizes == ([2]byte{}) {
		m.sizes = [2]byte{6, 4}
	}
	b = append(b, m.sizes[:]...)
	b = binary.BigEndian.AppendUint16(b, m.operation)
	from, about := netip.MustParseAddr(m.from).As4(), netip.MustParseAddr(m.about).As4()
	b = slices.Concat(b, m.sender[:], from[:], make([]byte, 6), about[:])
	return b[:len(b)-m.cut]
}

var heard = []struct {
	name string
	message
	want Heard
}{
	{"a reply", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2}, Heard{home, camera, false, Answering}},
	{"a request", message{sender: camera, from: "10.77.0.11", about: "10.77.0.1", operation: 1}, Heard{home, camera, false, Asking}},
	{"a gratuitous request", message{sender: camera, from: "10.77.0.11", about: "10.77.0.11", operation: 1}, Heard{home, camera, false, Announcing}},
	{"a gratuitous reply", message{sender: camera, from: "10.77.0.11", about: "10.77.0.11", operation: 2}, Heard{home, camera, false, Announcing}},
	{"a probe", message{sender: camera, from: "0.0.0.0", about: "10.77.0.11", operation: 1}, Heard{home, camera, false, Probing}},
	{"an access point that answers for a client", message{carrier: bridge, sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2}, Heard{home, camera, true, Answering}},
	{"a broadcast carrier", message{carrier: MAC(all), sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2}, Heard{home, camera, true, Answering}},
	{"a VLAN", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, tags: []uint16{10}}, Heard{home, camera, false, Answering}},
	{"a VLAN in a VLAN", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, tags: []uint16{0x2005, 10}}, Heard{home, camera, false, Answering}},
	{"a link-local address", message{sender: camera, from: "169.254.7.7", about: "169.254.7.7", operation: 1}, Heard{netip.MustParseAddr("169.254.7.7"), camera, false, Announcing}},
}

var refused = []struct {
	name string
	message
	why protocol.Reject
}{
	{"zero sender", message{carrier: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2}, BadSender},
	{"broadcast sender", message{carrier: camera, sender: MAC(all), from: "10.77.0.11", about: "10.77.0.2", operation: 2}, BadSender},
	{"a cluster's multicast MAC", message{carrier: camera, sender: MAC{3, 0xbf, 10, 77, 0, 11}, from: "10.77.0.11", about: "10.77.0.2", operation: 2}, BadSender},
	{"a zero sender's probe", message{carrier: camera, from: "0.0.0.0", about: "10.77.0.2", operation: 1}, BadSender},
	{"a reply from nowhere", message{sender: camera, from: "0.0.0.0", about: "10.77.0.2", operation: 2}, BadAddress},
	{"a probe for nothing", message{sender: camera, from: "0.0.0.0", about: "0.0.0.0", operation: 1}, BadAddress},
	{"loopback", message{sender: camera, from: "127.0.0.1", about: "10.77.0.2", operation: 2}, BadAddress},
	{"multicast", message{sender: camera, from: "239.255.255.250", about: "10.77.0.2", operation: 2}, BadAddress},
	{"broadcast", message{sender: camera, from: "255.255.255.255", about: "10.77.0.2", operation: 2}, BadAddress},
	{"reverse ARP", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 3}, BadKind},
	{"no operation", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2"}, BadKind},
	{"token ring", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, hardware: 6}, NotIPv4},
	{"AppleTalk", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, protocol: 0x809b}, NotIPv4},
	{"long MACs", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, sizes: [2]byte{20, 4}}, NotIPv4},
	// 8 + 2*124 is 0 in one byte: gopacket alone would take it and read behind the end.
	{"lengths that overflow", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, sizes: [2]byte{124, 0}}, NotIPv4},
	{"lengths that overflow again", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, sizes: [2]byte{255, 255}}, NotIPv4},
	{"a byte short", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, cut: 1}, TooShort},
	{"no body", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, cut: bodySize}, TooShort},
	{"half a header", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, cut: bodySize + 3}, TooShort},
	{"half a tag", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, tags: []uint16{1}, cut: bodySize + 3}, TooShort},
	{"IPv4", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, kind: 0x0800}, NotARP},
	{"a length for a type", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, kind: 28}, NotARP},
	{"three tags", message{sender: camera, from: "10.77.0.11", about: "10.77.0.2", operation: 2, tags: []uint16{1, 2, 3}}, NotARP},
}

func TestWhoSpeaksIsHeard(t *testing.T) {
	var r Reader
	for _, c := range heard {
		for _, frame := range [][]byte{c.frame(), append(c.frame(), make([]byte, 18)...), append(c.frame(), make([]byte, 9000)...)} {
			if got, err := r.Read(frame); err != nil || got != c.want {
				t.Errorf("%s, %d bytes: %+v, %v", c.name, len(frame), got, err)
			}
		}
	}
}

func TestWhatNamesNoHostIsRefused(t *testing.T) {
	var r Reader
	for _, c := range refused {
		if got, err := r.Read(c.frame()); !errors.Is(err, c.why) || got != (Heard{}) {
			t.Errorf("%s: %+v, %v; want %v", c.name, got, err, c.why)
		}
	}
	if _, err := r.Read(nil); !errors.Is(err, TooShort) {
		t.Errorf("nothing: %v", err)
	}
}

func TestAQuestionIsReadAsOne(t *testing.T) {
	var r Reader
	q := NewQuestion(us, ours)
	for _, target := range []string{"10.77.0.1", "10.77.0.11", "169.254.0.1"} {
		frame, err := q.Ask(netip.MustParseAddr(target))
		if err != nil {
			t.Fatal(err)
		}
		want := append(message{sender: us, from: "10.77.0.2", about: target, operation: 1}.frame(), make([]byte, 18)...)
		if !bytes.Equal(frame, want) {
			t.Errorf("asks for %s with\n%x, want\n%x", target, frame, want)
		}
		if h, err := r.Read(frame); err != nil || h != (Heard{ours, us, false, Asking}) {
			t.Errorf("reads %+v, %v", h, err)
		}
	}
	if frame, err := NewQuestion(us, ours).Ask(ours); err != nil || len(frame) != FrameSize {
		t.Errorf("announces with %d bytes, %v", len(frame), err)
	} else if h, _ := r.Read(frame); h.Kind != Announcing {
		t.Errorf("who asks for itself announces itself: %+v", h)
	}
	frame, _ := NewQuestion(us, netip.Addr{}).Ask(home)
	if h, err := r.Read(frame); err != nil || h != (Heard{home, us, false, Probing}) {
		t.Errorf("without an address: %+v, %v", h, err)
	}
	for _, bad := range []string{"0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1", "::1", "::ffff:10.0.0.1"} {
		if _, err := q.Ask(netip.MustParseAddr(bad)); !errors.Is(err, BadAddress) {
			t.Errorf("asks for %s: %v", bad, err)
		}
	}
}

func TestMACsAreReadAsTheyAreWritten(t *testing.T) {
	for _, m := range []MAC{{}, camera, us, MAC(all)} {
		if got, ok := ParseMAC(m.String()); !ok || got != m {
			t.Errorf("%v is read as %v, %v", m, got, ok)
		}
	}
	if got, ok := ParseMAC("44-19-B6-0A-00-01"); !ok || got != camera || got.String() != "44:19:b6:0a:00:01" {
		t.Errorf("upper case: %v, %v", got, ok)
	}
	for _, bad := range []string{"", "44:19:b6:0a:00", "44:19:b6:0a:00:0g", "44:19:b6:0a:00:011", "4419b60a0001", "44.19.b6.0a.00.01"} {
		if m, ok := ParseMAC(bad); ok {
			t.Errorf("%q is read as %v", bad, m)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range heard {
		f.Add(c.frame())
	}
	for _, c := range refused {
		f.Add(c.frame())
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var r Reader
		before := bytes.Clone(frame)
		h, err := r.Read(frame)
		if !bytes.Equal(before, frame) {
			t.Fatal("the frame was changed")
		}
		var why protocol.Reject
		if err != nil && !errors.As(err, &why) {
			t.Fatalf("not a reason: %v", err)
		}
		if (err == nil) != (h != Heard{}) {
			t.Fatalf("%+v with %v", h, err)
		}
		if err != nil {
			return
		}
		if !h.MAC.Station() || !Host(h.IP) || h.Kind < Asking || h.Kind > Probing {
			t.Fatalf("names no host: %+v", h)
		}
		// What was heard, said again, is heard alike.
		again := NewQuestion(h.MAC, h.IP)
		if h.Kind == Probing {
			again = NewQuestion(h.MAC, netip.Addr{})
		}
		said, err := again.Ask(h.IP)
		if err != nil {
			t.Fatal(err)
		}
		if g, err := r.Read(said); err != nil || g.IP != h.IP || g.MAC != h.MAC || g.Proxied || g.Kind < Announcing {
			t.Fatalf("%+v was said again as %+v, %v", h, g, err)
		}
	})
}

func FuzzMAC(f *testing.F) {
	f.Add("44:19:b6:0a:00:01")
	f.Add("44-19-B6-0A-00-01")
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := ParseMAC(text)
		if again, fine := ParseMAC(m.String()); ok && (!fine || again != m) {
			t.Fatalf("%q: %v, then %v", text, m, again)
		}
	})
}

func TestReadingAndAskingAllocateNothing(t *testing.T) {
	var r Reader
	reply, wrong := heard[0].frame(), refused[0].frame()
	q := NewQuestion(us, ours)
	for name, f := range map[string]func(){
		"read":   func() { _, _ = r.Read(reply) },
		"refuse": func() { _, _ = r.Read(wrong) },
		"ask":    func() { _, _ = q.Ask(home) },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var r Reader
	frame := heard[0].frame()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAsk(b *testing.B) {
	q := NewQuestion(us, ours)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Ask(home); err != nil {
			b.Fatal(err)
		}
	}
}
