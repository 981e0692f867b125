package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	probeMatch = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" ` +
		`xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:%s</a:MessageID><a:RelatesTo>%s</a:RelatesTo>` +
		`<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>` +
		`<a:EndpointReference><a:Address>urn:uuid:%s</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>` +
		`<d:Scopes>onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/name/Harm</d:Scopes><d:XAddrs>%s</d:XAddrs>` +
		`<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`
	discoveryPort = 3702
	mdnsPort      = 5353
)

var (
	discoveryGroup = net.IPv4(239, 255, 255, 250)
	mdnsGroup      = net.IPv4(224, 0, 0, 251)
	messageID      = regexp.MustCompile(`MessageID[^>]*>\s*([^<\s]+)\s*<`)
)

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// hear reads the datagrams of a group on eth0, and those to the host itself on the same port.
func hear(group net.IP, port int, told func(text []byte, from *net.UDPAddr)) error {
	link, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	c, err := net.ListenMulticastUDP("udp4", link, &net.UDPAddr{IP: group, Port: port})
	if err != nil {
		return err
	}
	buffer := make([]byte, mostRequest)
	for {
		n, from, err := c.ReadFromUDP(buffer)
		if err != nil {
			return err
		}
		told(slices.Clone(buffer[:n]), from)
	}
}

// announce answers every WS-Discovery probe times times, as a camera with these addresses. One answer
// keeps its endpoint; many have one each.
func announce(ip string, times int, xaddrs string) error {
	out, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		return err
	}
	endpoint, left := randomUUID(), answersInAll
	return hear(discoveryGroup, discoveryPort, func(text []byte, from *net.UDPAddr) {
		id := messageID.FindSubmatch(text)
		if id == nil || !strings.Contains(string(text), "Probe") {
			return
		}
		n := min(times, left)
		left -= n
		for i := range n {
			if times > 1 {
				endpoint = randomUUID()
			}
			_, _ = fmt.Fprintf(to{out, from}, probeMatch, randomUUID(), id[1], endpoint, xaddrs)
			if i%50 == 49 {
				time.Sleep(time.Millisecond) // or our own queue drops most of it
			}
		}
		fmt.Fprintf(os.Stderr, "%d PROBED peer=%s answers=%d\n", time.Now().Unix(), from.IP, n)
	})
}

// to writes each piece as one datagram.
type to struct {
	conn *net.UDPConn
	peer *net.UDPAddr
}

func (t to) Write(p []byte) (int, error) { return t.conn.WriteToUDP(p, t.peer) }

// playProbed is what a host announces, and nothing else: a thousand endpoints to each probe, the
// addresses of other hosts, or its own in all the odd ways that firmwares have.
func playProbed(f flags) error {
	switch f.what {
	case "flood":
		return announce(f.ip, answersEach, camerasXAddr(f.ip))
	case "odd":
		return announce(f.ip, 1, "https://169.254.7.7:8124/onvif/device_service http://0.0.0.0:8123/onvif/device_service"+
			" http://[fe80::7]:8123/onvif/device_service")
	}
	camera, thief, _ := strings.Cut(f.to, ",")
	return announce(f.ip, 1, camerasXAddr(camera)+" http://"+thief+"/stolen/device_service")
}
