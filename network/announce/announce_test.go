package announce

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/mdns"
	"wildfire-watch/protocol/wsdiscovery"
)

func TestMain(m *testing.M) {
	isolate()
	goleak.VerifyTestMain(m)
}

// loopback is the link that these tests search on.
var loopback = []protocol.Link{{Name: "lo", Nets: []string{"127.0.0.1/8", "::1/128"}}}

// freePort is a UDP port that nobody has at the moment.
func freePort(t testing.TB) uint16 {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// newClient is a client on ports of its own, so that tests run beside each other.
func newClient(t testing.TB) *Client {
	return &Client{discovery: netip.AddrPortFrom(wsdiscovery.Group, freePort(t)), dns: netip.AddrPortFrom(mdns.Group, freePort(t))}
}

// peer is a device on the loopback network: it hears a group and answers from an address of its own.
type peer struct {
	t    testing.TB
	ip   netip.Addr
	ears []*net.UDPConn
	conn *net.UDPConn // what it sends from
	done sync.WaitGroup
}

// newPeer is a device that gives each datagram to answer; alone says that it hears only its own address.
func newPeer(t testing.TB, ip string, group netip.AddrPort, from uint16, alone bool, answer func(p *peer, datagram []byte, from netip.AddrPort)) *peer {
	t.Helper()
	lo, err := interfaceIndex("lo")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, ip: netip.MustParseAddr(ip)}
	open := func(s socket) *net.UDPConn {
		conn, err := s.open()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	p.conn = open(socket{bind: netip.AddrPortFrom(p.ip, from), index: lo, ttl: 1})
	p.ears = []*net.UDPConn{p.conn}
	if !alone {
		p.ears = append(p.ears, open(socket{bind: group, index: lo, ttl: 1, group: true}))
	}
	for _, ear := range p.ears {
		p.done.Go(func() {
			_ = read(context.Background(), ear, time.Time{}, 65535, func(datagram []byte, from netip.AddrPort) {
				if answer != nil && from.Addr() != p.ip {
					answer(p, datagram, from)
				}
			})
		})
	}
	t.Cleanup(func() {
		for _, ear := range p.ears {
			_ = ear.Close()
		}
		p.done.Wait()
	})
	return p
}

func (p *peer) send(text []byte, to netip.AddrPort) {
	if _, err := p.conn.WriteToUDPAddrPort(text, to); err != nil {
		p.t.Error(err)
	}
}

var messageID = regexp.MustCompile(`MessageID>([^<]*)<`)

// match is a device's answer to a Probe.
func match(probe []byte, fields string) []byte {
	id := "none"
	if m := messageID.FindSubmatch(probe); m != nil {
		id = string(m[1])
	}
	return []byte(`<s:Envelope xmlns:s="s"><s:Header><RelatesTo>` + id + `</RelatesTo></s:Header><s:Body><ProbeMatches><ProbeMatch>` +
		fields + `</ProbeMatch></ProbeMatches></s:Body></s:Envelope>`)
}

const cameraFields = `<EndpointReference><Address>uuid:CAFE</Address></EndpointReference><Types>dn:NetworkVideoTransmitter</Types>` +
	`<Scopes>onvif://www.onvif.org/name/Gate onvif://www.onvif.org/hardware/X1</Scopes><XAddrs>http://0.0.0.0/onvif https://10.0.0.9/onvif</XAddrs>`

// announced is what an mDNS responder sent, from another address.
func announced(t testing.TB, name string, ip netip.Addr) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "protocol", "mdns", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte{0, 4, 10, 77, 1})
	if i < 0 {
		t.Fatalf("%s holds no address", name)
	}
	a := ip.As4()
	copy(b[i+2:], a[:])
	return b
}

// book writes down what is found.
type book struct {
	mu   sync.Mutex
	all  []protocol.Sighting
	news chan struct{}
}

func newBook() *book { return &book{news: make(chan struct{}, 1)} }

func (b *book) found(s protocol.Sighting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, s)
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// lines are the sightings so far, one line each.
func (b *book) lines() (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.all {
		lines = append(lines, fmt.Sprintf("%s %s %s camera=%t other=%t gone=%t %q %q %v %v %s", s.IP, s.Link, s.Means, s.Camera, s.Other,
			s.Gone, s.Name, s.Hardware, s.XAddrs, s.Doors, s.EPR))
		if s.At.IsZero() || s.MAC != "" {
			lines = append(lines, fmt.Sprintf("bad stamp or MAC: %+v", s))
		}
	}
	return lines
}

// until waits for so many sightings.
func (b *book) until(t testing.TB, n int) {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		have := len(b.all)
		b.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-b.news:
		case <-end:
			t.Fatalf("%d of %d sightings:\n%s", have, n, strings.Join(b.lines(), "\n"))
		}
	}
}

func (b *book) want(t testing.TB, want ...string) {
	t.Helper()
	got := b.lines()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const gateLine = `127.0.0.5 lo ws-discovery camera=true other=false gone=false "Gate" "X1" [http://0.0.0.0/onvif https://10.0.0.9/onvif] [] urn:uuid:cafe`

const axisLine = `127.0.0.9 lo mdns camera=true other=false gone=false "axis-00408c0a0009" "" [http://127.0.0.9:80/onvif/device_service] [{7070 /axis-media/media.amp}] `

func TestProbeFindsWhoAnswersOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	newPeer(t, "127.0.0.5", c.discovery, 0, false, func(p *peer, probe []byte, from netip.AddrPort) {
		p.send(match(probe, cameraFields), from)
		p.send(match(probe, cameraFields), from)
	})
	newPeer(t, "127.0.0.6", c.discovery, 0, false, func(p *peer, probe []byte, from netip.AddrPort) {
		p.send(match(probe, `<Types>wsdp:Device wprt:PrintDeviceType</Types><XAddrs>http://127.0.0.6:5357/print</XAddrs>`), from)
	})
	newPeer(t, "127.0.0.7", c.discovery, 0, false, func(p *peer, probe []byte, from netip.AddrPort) {
		p.send(match(nil, cameraFields), from) // to somebody else's Probe
		p.send([]byte("\x00garbage"), from)
		p.send(probe, from)
	})
	b := newBook()
	if err := c.Probe(t.Context(), loopback, nil, b.found); err != nil {
		t.Error(err)
	}
	b.want(t, gateLine, `127.0.0.6 lo ws-discovery camera=false other=true gone=false "" "" [] [] `)
	if c.Rejected() == 0 || c.Dropped() != 0 {
		t.Errorf("%d rejected, %d dropped", c.Rejected(), c.Dropped())
	}
}

func TestProbeAsksByMDNS(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for ip, file := range map[string]string{"127.0.0.8": "avahi-rtsp.bin", "127.0.0.9": "avahi-axis.bin", "127.0.0.33": "avahi-printer.bin"} {
		newPeer(t, ip, c.dns, c.dns.Port(), false, func(p *peer, query []byte, from netip.AddrPort) {
			if query[2]&0x80 == 0 {
				p.send(announced(t, file, p.ip), c.dns)
			}
		})
	}
	// Who speaks for another is none, who answers from another port neither.
	newPeer(t, "127.0.0.10", c.dns, c.dns.Port(), false, func(p *peer, query []byte, from netip.AddrPort) {
		p.send(announced(t, "avahi-rtsp.bin", netip.MustParseAddr("127.0.0.8")), c.dns)
	})
	newPeer(t, "127.0.0.11", c.dns, 0, false, func(p *peer, query []byte, from netip.AddrPort) {
		if query[2]&0x80 == 0 {
			p.send(announced(t, "avahi-rtsp.bin", p.ip), c.dns)
		}
	})
	b := newBook()
	if err := c.Probe(t.Context(), loopback, nil, b.found); err != nil {
		t.Error(err)
	}
	b.want(t, `127.0.0.8 lo mdns camera=true other=false gone=false "Vivo-0A0008" "" [] [{10554 /stream1}] `,
		axisLine,
		`127.0.0.33 lo mdns camera=false other=false gone=false "Office printer" "" [] [] `)
}

func TestAPortThatSomebodyHoldsIsGoneAround(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	// A responder that shares its port with nobody.
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	held, err := net.ListenUDP("udp4", &net.UDPAddr{Port: int(c.dns.Port())})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, ip: netip.MustParseAddr("127.0.0.1"), conn: held}
	if err := joinGroup(held, c.dns.Addr(), lo.Index); err != nil {
		t.Fatal(err)
	}
	asked := make(chan uint16, 10)
	p.done.Go(func() {
		_ = read(context.Background(), held, time.Time{}, 9000, func(query []byte, from netip.AddrPort) {
			select {
			case asked <- from.Port():
			default:
			}
			p.send(announced(t, "avahi-rtsp.bin", p.ip), from)
		})
	})
	defer p.done.Wait()
	defer held.Close()
	b := newBook()
	if err := c.Probe(t.Context(), loopback, nil, b.found); err != nil {
		t.Error(err)
	}
	b.want(t, `127.0.0.1 lo mdns camera=true other=false gone=false "Vivo-0A0008" "" [] [{10554 /stream1}] `)
	if port := <-asked; port == c.dns.Port() {
		t.Errorf("asked from %d, which is held", port)
	}
}

func TestTargetsAreAskedOneByOne(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var mu sync.Mutex
	asked := map[string]int{}
	count := func(p *peer) {
		mu.Lock()
		defer mu.Unlock()
		asked[p.ip.String()]++
	}
	newPeer(t, "127.0.0.5", c.discovery, c.discovery.Port(), true, func(p *peer, probe []byte, from netip.AddrPort) {
		count(p)
		p.send(match(probe, cameraFields), from)
	})
	newPeer(t, "127.0.0.6", c.discovery, c.discovery.Port(), true, func(p *peer, probe []byte, from netip.AddrPort) {
		count(p)
		if bytes.Contains(probe, []byte(":Device<")) {
			p.send(match(probe, `<Types xmlns:tds="http://www.onvif.org/ver10/device/wsdl">tds:Device</Types>`), from)
		}
	})
	targets := []netip.Addr{netip.MustParseAddr("224.0.0.1"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::1"), {}}
	for i := range 50 {
		targets = append(targets, netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 2)}))
	}
	b := newBook()
	if err := c.Probe(t.Context(), nil, targets, b.found); err != nil {
		t.Error(err)
	}
	b.want(t, strings.Replace(gateLine, " lo ", "  ", 1), `127.0.0.6  ws-discovery camera=false other=false gone=false "" "" [] [] `)
	mu.Lock()
	defer mu.Unlock()
	if asked["127.0.0.5"] != 1 || asked["127.0.0.6"] != 2 {
		t.Errorf("asked %v: who answers is asked once, who is silent twice", asked)
	}
}

func TestAFloodIsBoundedAndCounted(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var once sync.Once
	newPeer(t, "127.0.0.66", c.discovery, 0, false, func(p *peer, probe []byte, from netip.AddrPort) {
		once.Do(func() {
			for i := range 3000 {
				p.send(match(probe, fmt.Sprintf(`<EndpointReference><Address>uuid:%d</Address></EndpointReference><Types>a:NetworkVideoTransmitter</Types>`, i)), from)
			}
		})
	})
	newPeer(t, "127.0.0.5", c.discovery, 0, false, func(p *peer, probe []byte, from netip.AddrPort) { p.send(match(probe, cameraFields), from) })
	b := newBook()
	if err := c.Probe(t.Context(), loopback, nil, b.found); err != nil {
		t.Error(err)
	}
	lines := b.lines()
	if !slices.Contains(lines, gateLine) {
		t.Error("the flood has drowned the camera")
	}
	if most := 4*perSource + 1; len(lines) > most || c.Dropped() == 0 {
		t.Errorf("%d sightings, at most %d; %d dropped", len(lines), most, c.Dropped())
	}
}

func TestALinkThatFailsCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	newPeer(t, "127.0.0.5", c.discovery, 0, false, func(p *peer, probe []byte, from netip.AddrPort) { p.send(match(probe, cameraFields), from) })
	b := newBook()
	links := append([]protocol.Link{{Name: "gone7", Nets: []string{"10.255.255.1/24"}}, {Name: "bare7", Nets: []string{"fe80::1/64", "x"}}}, loopback...)
	err := c.Probe(t.Context(), links, nil, b.found)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"probe on gone7: interface gone7: ", "ask mdns on gone7: ", "search on bare7: it has no IPv4 address"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	b.want(t, gateLine)
}

func TestAContextEndsASearch(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	targets := make([]netip.Addr, 1000)
	for i := range targets {
		targets[i] = netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})
	}
	if err := newClient(t).Probe(ctx, loopback, targets, func(protocol.Sighting) {}); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}
