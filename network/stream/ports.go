package stream

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// portTries is how often an even UDP port with the next one free is looked for (RFC 3550 §11).
const portTries = 16

// ports are two UDP ports for RTP and RTCP.
type ports struct {
	port     int
	rtp, rtc *net.UDPConn
	from     netip.Addr // the camera: nothing else is counted
	ctx      context.Context
	release  func() bool
	buffer   [maxDatagram]byte
}

// listen takes two UDP ports on the address that faces the camera.
func (t *talk) listen() (*ports, error) {
	local, _ := t.line.LocalAddr().(*net.TCPAddr)
	remote, _ := t.line.RemoteAddr().(*net.TCPAddr)
	if local == nil || remote == nil {
		return nil, net.ErrClosed
	}
	var err error
	for range portTries {
		var rtp, rtc *net.UDPConn
		if rtp, err = net.ListenUDP("udp", &net.UDPAddr{IP: local.IP, Zone: local.Zone}); err != nil {
			return nil, err
		}
		port := rtp.LocalAddr().(*net.UDPAddr).Port
		if port%2 == 0 {
			if rtc, err = net.ListenUDP("udp", &net.UDPAddr{IP: local.IP, Zone: local.Zone, Port: port + 1}); err == nil {
				p := &ports{port: port, rtp: rtp, rtc: rtc, from: remote.AddrPort().Addr().Unmap(), ctx: t.ctx}
				p.release = context.AfterFunc(t.ctx, func() { _ = rtp.SetReadDeadline(time.Unix(1, 0)) })
				return p, nil
			}
		}
		_ = rtp.Close()
	}
	return nil, net.ErrClosed
}

func (p *ports) close() {
	p.release()
	_ = p.rtp.Close()
	_ = p.rtc.Close()
}

// until bounds all packets to come.
func (p *ports) until(end time.Time) error {
	_ = p.rtp.SetReadDeadline(end)
	return p.ctx.Err() // SetReadDeadline may have undone the context's own
}

// packet is the next RTP packet of the camera's.
func (p *ports) packet() ([]byte, error) {
	for {
		n, from, err := p.rtp.ReadFromUDPAddrPort(p.buffer[:])
		if err != nil {
			return nil, err
		}
		if from.Addr().Unmap() == p.from && isRTP(p.buffer[:n]) {
			return p.buffer[:n], nil
		}
	}
}
