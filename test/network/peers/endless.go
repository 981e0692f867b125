package main

import (
	"bufio"
	"io"
	"net"
	"strings"
	"time"
)

// playEndless is an RTSP server whose answer has no end: headers, or the lines of an SDP.
func playEndless(f flags) error {
	return serve(f.listen, func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(harmTime))
		r := bufio.NewReader(io.LimitReader(c, mostRequest))
		for {
			q, err := readRequest(r)
			if err != nil {
				return
			}
			switch {
			case f.what == "sdp" && q.method == "DESCRIBE":
				_ = q.answer(c, "200 OK", []string{"Content-Type: application/sdp", "Content-Length: 4294967295"}, "")
				flood(c, description, "a=x-more:"+strings.Repeat("a", 100)+"\r\n")
				return
			case f.what == "headers":
				flood(c, "RTSP/1.0 200 OK\r\nCSeq: "+q.header.Get("CSeq")+"\r\n", "X-More: "+strings.Repeat("a", 100)+"\r\n")
				return
			case q.answer(c, "200 OK", []string{"Public: OPTIONS, DESCRIBE"}, "") != nil:
				return
			}
		}
	})
}

// flood writes first, then again and again the same, up to harmBytes or the connection's deadline.
func flood(c net.Conn, first, again string) {
	begun, sent := time.Now(), 0
	chunk := []byte(strings.Repeat(again, 32<<10/len(again)))
	_, err := io.WriteString(c, first)
	for err == nil && sent < harmBytes {
		var n int
		n, err = c.Write(chunk)
		sent += n
	}
	note("SENT", c, sent, "bytes in", time.Since(begun).Round(time.Millisecond))
}

// playDrip announces a camera, and on both of its ports answers a byte a second.
func playDrip(f flags) error {
	talk := func(answer string) func(net.Conn) {
		return func(c net.Conn) { drip(c, answer) }
	}
	return all(
		func() error { return announce(f.ip, 1, camerasXAddr(f.ip)) },
		func() error {
			return serve(":80", talk("HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: 4096\r\n\r\n<Envelope>"))
		},
		func() error {
			return serve(":554", talk("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 4096\r\n\r\nv=0\r\n"))
		},
	)
}

func drip(c net.Conn, answer string) {
	begun := time.Now()
	_ = c.SetDeadline(begun.Add(harmTime))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	go func() { _, _ = io.CopyN(io.Discard, c, mostRequest); _ = c.Close() }() // ends when the other hangs up
	for i := range answer {
		if _, err := c.Write([]byte{answer[i]}); err != nil {
			break
		}
		<-tick.C
	}
	note("HELD", c, time.Since(begun).Round(time.Millisecond))
}
