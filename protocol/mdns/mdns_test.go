package mdns

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"wildfire-watch/protocol/announced"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unnamed is services without what only this package sees.
func unnamed(services []Service) []Service {
	for i := range services {
		services[i].name = ""
	}
	return services
}

// Recorded from avahi, which answered one packet with four questions.
func TestWhatAvahiAnswered(t *testing.T) {
	at := func(last byte) []netip.Addr { return []netip.Addr{netip.AddrFrom4([4]byte{10, 77, 1, last})} }
	const axis = "axis-00408c0a0009"
	for name, want := range map[string][]Service{
		"avahi-rtsp.bin": {
			{Kind: HTTP, Instance: "Vivo-0A0008", Host: "vivo-0a0008.local", Port: 80, Addrs: at(18)},
			{Kind: RTSP, Instance: "Vivo-0A0008", Host: "vivo-0a0008.local", Port: 10554, Path: "/stream1", Addrs: at(18)}},
		"avahi-axis.bin": {
			{Kind: AxisVideo, Instance: axis, Host: axis + ".local", Port: 80, MAC: "00:40:8c:0a:00:09", Addrs: at(19)},
			{Kind: ONVIF, Instance: axis, Host: axis + ".local", Port: 80, Addrs: at(19)},
			{Kind: RTSP, Instance: axis, Host: axis + ".local", Port: 7070, Path: "/axis-media/media.amp", Addrs: at(19)}},
		"avahi-printer.bin": {
			{Kind: HTTP, Instance: "Office printer", Host: "office printer.local", Port: 80, Addrs: at(33)}},
	} {
		got, err := Decode(sample(t, name))
		if err != nil || !reflect.DeepEqual(unnamed(got), want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", name, got, err, want)
		}
	}
}

func name(t testing.TB, s string) dnsmessage.Name {
	t.Helper()
	n, err := dnsmessage.NewName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// answer packs records the way a device does.
func answer(t testing.TB, records ...dnsmessage.Resource) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}, Answers: records}
	out, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	relabel(out, innerDot, '.')
	return out
}

func record(t testing.TB, owner string, ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name(t, owner), Class: dnsmessage.ClassINET | cacheFlush, TTL: ttl}, Body: body}
}

func ptr(t testing.TB, service, instance string, ttl uint32) dnsmessage.Resource {
	return record(t, service+".local.", ttl, &dnsmessage.PTRResource{PTR: name(t, instance+"."+service+".local.")})
}

func srv(t testing.TB, owner, host string, port uint16, ttl uint32) dnsmessage.Resource {
	return record(t, owner, ttl, &dnsmessage.SRVResource{Port: port, Target: name(t, host)})
}

func TestRecordsAreFolded(t *testing.T) {
	const gate = "Gate._rtsp._tcp.local."
	txt := func(words ...string) dnsmessage.Resource {
		return record(t, gate, 120, &dnsmessage.TXTResource{TXT: words})
	}
	a := func(owner string, last byte) dnsmessage.Resource {
		return record(t, owner, 120, &dnsmessage.AResource{A: [4]byte{10, 0, 0, last}})
	}
	aaaa := record(t, "cam.local.", 120, &dnsmessage.AAAAResource{AAAA: [16]byte{0xfe, 0x80, 15: 1}})
	addr := netip.AddrFrom4([4]byte{10, 0, 0, 5})
	for title, c := range map[string]struct {
		records []dnsmessage.Resource
		want    Service
	}{
		"a pointer alone":     {[]dnsmessage.Resource{ptr(t, "_rtsp._tcp", "Gate", 120)}, Service{}},
		"a port alone":        {[]dnsmessage.Resource{srv(t, gate, "CAM.local.", 554, 120)}, Service{Host: "cam.local", Port: 554}},
		"words alone":         {[]dnsmessage.Resource{txt("path=live")}, Service{Path: "/live"}},
		"another case":        {[]dnsmessage.Resource{ptr(t, "_rtsp._tcp", "GATE", 120), srv(t, gate, "cam.local.", 554, 120)}, Service{Instance: "GATE", Host: "cam.local", Port: 554}},
		"addresses before":    {[]dnsmessage.Resource{a("Cam.local.", 5), aaaa, srv(t, gate, "cam.local.", 554, 120)}, Service{Host: "cam.local", Port: 554, Addrs: []netip.Addr{addr}}},
		"another's address":   {[]dnsmessage.Resource{a("nas.local.", 6), srv(t, gate, "cam.local.", 554, 120)}, Service{Host: "cam.local", Port: 554}},
		"a goodbye":           {[]dnsmessage.Resource{ptr(t, "_rtsp._tcp", "Gate", 0)}, Service{Gone: true}},
		"a goodbye of a port": {[]dnsmessage.Resource{srv(t, gate, "cam.local.", 554, 0)}, Service{Host: "cam.local", Port: 554, Gone: true}},
		"words in any case":   {[]dnsmessage.Resource{txt("txtvers=1", "PATH=/a?b=1&c=2", "path=/later", "MacAddress=00408C0A0009", "mac=x")}, Service{Path: "/a?b=1&c=2", MAC: "00:40:8c:0a:00:09"}},
		"a whole URL":         {[]dnsmessage.Resource{txt("path=rtsp://u:p@10.0.0.9:554/live?x=1")}, Service{Path: "/live?x=1"}},
		"a path with spaces":  {[]dnsmessage.Resource{txt("path=/a b")}, Service{}},
		"a path too long":     {[]dnsmessage.Resource{txt("path=" + strings.Repeat("x", 250))}, Service{Path: "/" + strings.Repeat("x", 250)}},
		"no words":            {[]dnsmessage.Resource{txt("", "path", "=", "path=/x")}, Service{}},
		"another host's path": {[]dnsmessage.Resource{txt("path=//10.0.0.9/live")}, Service{Path: "/10.0.0.9/live"}},
	} {
		c.want.Kind = RTSP
		if c.want.Instance == "" {
			c.want.Instance = "Gate"
		}
		got, err := Decode(answer(t, c.records...))
		if err != nil || !reflect.DeepEqual(unnamed(got), []Service{c.want}) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", title, got, err, c.want)
		}
	}
}

func TestNamesWithDotsAreRead(t *testing.T) {
	dotted := strings.ReplaceAll("Gate v1!2", "!", string(rune(innerDot)))
	m := answer(t, ptr(t, "_rtsp._tcp", dotted, 120), srv(t, dotted+"._rtsp._tcp.local.", "cam"+string(rune(innerDot))+"1.local.", 554, 120))
	if !strings.Contains(string(m), "\x09Gate v1.2") {
		t.Fatalf("no dot in %q", m)
	}
	got, err := Decode(m)
	if err != nil || len(got) != 1 || got[0].Instance != "Gate v1.2" || got[0].Host != "cam.1.local" || got[0].Port != 554 {
		t.Errorf("%+v, %v", got, err)
	}
	got[0].Port = 0
	if q := Query(0, false, got...); !strings.Contains(string(q), "\x09Gate v1.2") {
		t.Errorf("asked for %q", q)
	}
}

func TestOtherThingsAreNoServices(t *testing.T) {
	for title, m := range map[string][]byte{
		"a list of types":   answer(t, record(t, "_services._dns-sd._udp.local.", 9, &dnsmessage.PTRResource{PTR: name(t, "_rtsp._tcp.local.")})),
		"another type":      answer(t, ptr(t, "_ssh._tcp", "nas", 120)),
		"another transport": answer(t, ptr(t, "_rtsp._udp", "nas", 120)),
		"another domain":    answer(t, record(t, "_rtsp._tcp.example.", 9, &dnsmessage.PTRResource{PTR: name(t, "a._rtsp._tcp.example.")})),
		"a host":            answer(t, record(t, "cam.local.", 9, &dnsmessage.AResource{})),
		"nothing":           answer(t),
	} {
		if got, err := Decode(m); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v, %v", title, got, err)
		}
	}
	got, err := Decode(answer(t, ptr(t, "_ipp._tcp", "Office printer", 120)))
	if err != nil || len(got) != 1 || got[0].Kind != Other || got[0].Kind.Camera() || HTTP.Camera() || !ONVIF.Camera() {
		t.Errorf("a printer: %+v, %v", got, err)
	}
}

func TestABrokenRecordCostsItself(t *testing.T) {
	good := answer(t, ptr(t, "_rtsp._tcp", "Gate", 120))
	for title, broken := range map[string][]byte{
		"an address of two bytes": {0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 2, 1, 2},
		"a name of a loop":        {0, 0, 12, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 23}, // its data points at itself
		"a name beyond the end":   {0, 0, 12, 0, 1, 0, 0, 0, 9, 0, 2, 0xFF, 0xFF},
		"an owner of a loop":      {0xC0, 12, 0, 12, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 12},
		"another class":           {0, 0, 1, 0, 3, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4},
		"words beyond the record": {0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 2, 9, 'a'},
	} {
		m := append([]byte{0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0}, broken...)
		m = append(m, good[headerSize:]...)
		// The pointers of the good record moved with it.
		for i := headerSize + len(broken); i < len(m); i++ {
			if m[i] == 0xC0 {
				m[i+1] += byte(len(broken))
			}
		}
		got, err := Decode(m)
		if err != nil || len(got) != 1 || got[0].Instance != "Gate" {
			t.Errorf("%s: %+v, %v", title, got, err)
		}
	}
}

func TestHostileMessages(t *testing.T) {
	for title, c := range map[string]struct {
		m    []byte
		want error
	}{
		"too large":         {make([]byte, MaxMessage+1), TooLarge},
		"nothing":           {nil, NotDNS},
		"short":             {make([]byte, 11), NotDNS},
		"a question":        {Query(0, false), NotAnswer},
		"an error":          {[]byte{0, 0, 0x84, 3, 0, 0, 0, 0, 0, 0, 0, 0}, NotAnswer},
		"not a query":       {[]byte{0, 0, 0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 0}, NotAnswer},
		"missing questions": {[]byte{0, 0, 0x84, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0}, NotDNS},
		"missing answers":   {[]byte{0, 0, 0x84, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF}, nil},
	} {
		if got, err := Decode(c.m); err != c.want || len(got) != 0 {
			t.Errorf("%s: %+v, %v; want %v", title, got, err, c.want)
		}
	}
	var many []dnsmessage.Resource
	for i := range maxRecords + 10 {
		many = append(many, ptr(t, "_rtsp._tcp", fmt.Sprint(i), 1))
	}
	if got, err := Decode(answer(t, many...)); err != nil || len(got) != MaxServices {
		t.Errorf("%d services, %v", len(got), err)
	}
}

func TestOnePacketAsksForAll(t *testing.T) {
	got, err := Decode(answer(t, ptr(t, "_rtsp._tcp", "Gate", 120), ptr(t, "_onvif._tcp", "Gate", 120)))
	if err != nil {
		t.Fatal(err)
	}
	got[1].Port = 80 // known
	for _, c := range []struct {
		id      uint16
		unicast bool
		more    []Service
		want    string
	}{
		{0, false, nil, "PTR _rtsp._tcp.local., PTR _onvif._tcp.local., PTR _axis-video._tcp.local., PTR _http._tcp.local."},
		{7, true, got, "PTR _rtsp._tcp.local., PTR _onvif._tcp.local., PTR _axis-video._tcp.local., PTR _http._tcp.local., " +
			"SRV Gate._rtsp._tcp.local., TXT Gate._rtsp._tcp.local."},
	} {
		packet := Query(c.id, c.unicast, c.more...)
		var m dnsmessage.Message
		if err := m.Unpack(packet); err != nil {
			t.Fatal(err)
		}
		var asked []string
		for _, q := range m.Questions {
			asked = append(asked, strings.TrimPrefix(q.Type.String(), "Type")+" "+q.Name.String())
			if q.Class&^unicastAnswer != dnsmessage.ClassINET || (q.Class&unicastAnswer != 0) != c.unicast {
				t.Errorf("%v: class %v", q.Name, q.Class)
			}
		}
		if s := strings.Join(asked, ", "); m.ID != c.id || m.Response || s != c.want || len(packet) > 512 {
			t.Errorf("%d bytes ask %s", len(packet), s)
		}
	}
	var many []Service
	for i := range 100 {
		many = append(many, Service{name: fmt.Sprintf("%063d._axis-video._tcp.local.", i)})
	}
	if p := Query(0, false, many...); len(p) > 1400+MaxAsked*20 || len(p) < 1000 {
		t.Errorf("%d bytes", len(p))
	}
}

func FuzzDecode(f *testing.F) {
	for _, n := range []string{"avahi-rtsp.bin", "avahi-axis.bin", "avahi-printer.bin"} {
		f.Add(sample(f, n))
	}
	f.Add(answer(f, ptr(f, "_rtsp._tcp", "Gate", 0), srv(f, "Gate._rtsp._tcp.local.", "cam.local.", 554, 0)))
	f.Add(Query(0, true))
	f.Add([]byte{0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xC0, 12, 0, 12, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 12})
	f.Fuzz(func(t *testing.T, in []byte) {
		services, err := Decode(in)
		if err != nil && services != nil || len(services) > MaxServices {
			t.Errorf("%v, %v", services, err)
		}
		for _, s := range services {
			if s.Kind == 0 || s.Port < 0 || s.Port > 65535 || len(s.Addrs) > maxAddrs || len(s.Path) > MaxPath ||
				s.Path != "" && s.Path[0] != '/' || announced.Text(s.Instance) != s.Instance || announced.Text(s.Host) != s.Host {
				t.Errorf("%+v", s)
			}
		}
		if q := Query(1, true, services...); len(q) < headerSize || len(q) > MaxMessage {
			t.Errorf("%d bytes ask for %+v", len(q), services)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	in := sample(b, "avahi-axis.bin")
	for b.Loop() {
		if _, err := Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}
