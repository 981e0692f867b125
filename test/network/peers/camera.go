package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// description is the SDP of every stream here: 640x360 H264, the parameter sets by x264.
const description = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=Lab\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\n" +
	"a=rtpmap:96 H264/90000\r\na=framerate:5\r\na=fmtp:96 packetization-mode=1;profile-level-id=42C016;" +
	"sprop-parameter-sets=Z0LAFtoCgL/lwEQAAAMABAAAAwAoPFi6gA==,aM4PyA==\r\na=control:track1\r\n"

// camera is an RTSP camera, or many: it answers on every address of its host.
type camera struct {
	paths []string
	login login
}

func playCamera(f flags) error {
	c := camera{paths: strings.Split(f.paths, ","), login: newLogin(f)}
	return serve(f.listen, c.talk)
}

func (c camera) talk(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(io.LimitReader(conn, 16*mostRequest))
	ctx, stop := context.WithCancel(context.Background())
	var playing sync.WaitGroup
	defer func() { stop(); _ = conn.Close(); playing.Wait() }()
	for {
		q, err := readRequest(r)
		if err != nil {
			return
		}
		if q.method == "PLAY" && c.allowed(conn, q) {
			if q.answer(conn, "200 OK", []string{"Session: 1"}, "") != nil {
				return
			}
			playing.Go(func() { send(ctx, conn) })
			continue
		}
		if !c.reply(conn, q) {
			return
		}
	}
}

// reply answers all but PLAY; false ends the connection.
func (c camera) reply(conn net.Conn, q request) bool {
	stream := strings.TrimSuffix(strings.TrimSuffix(q.path(), "/track1"), "/")
	var err error
	switch {
	case q.method == "OPTIONS":
		err = q.answer(conn, "200 OK", []string{"Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"}, "")
	case !slices.Contains([]string{"DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER"}, q.method):
		err = q.answer(conn, "501 Not Implemented", nil, "")
	case !slices.Contains(c.paths, stream) && (q.method == "DESCRIBE" || q.method == "SETUP"):
		err = q.answer(conn, "404 Not Found", nil, "")
	case !c.allowed(conn, q):
		err = q.answer(conn, "401 Unauthorized", []string{c.login.challenge()}, "")
	case q.method == "DESCRIBE":
		err = q.answer(conn, "200 OK", []string{"Content-Type: application/sdp", "Content-Base: " + q.url + "/"}, description)
	case q.method == "SETUP" && !strings.Contains(q.header.Get("Transport"), "interleaved"):
		err = q.answer(conn, "461 Unsupported Transport", nil, "")
	case q.method == "SETUP":
		err = q.answer(conn, "200 OK", []string{"Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"}, "")
	default:
		err = q.answer(conn, "200 OK", []string{"Session: 1"}, "")
	}
	return err == nil && q.method != "TEARDOWN"
}

// allowed judges the login of a request and notes it.
func (c camera) allowed(conn net.Conn, q request) bool {
	header := q.header.Get("Authorization")
	ok := c.login.accepts(q.method, header)
	switch {
	case header == "" && !ok:
		note("AUTH-NONE", conn, q.method)
	case header != "" && ok:
		note("AUTH-OK", conn, q.method)
	case header != "":
		note("AUTH-FAIL", conn, q.method)
	}
	return ok
}

// send plays: five packets a second on channel 0, each a NAL unit of filler.
func send(ctx context.Context, conn net.Conn) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	packet := make([]byte, 4+12+64)
	packet[0], packet[4], packet[5], packet[16] = '$', 0x80, 96|0x80, 12
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)-4))
	for n := uint32(0); ; n++ {
		binary.BigEndian.PutUint16(packet[6:], uint16(n))
		binary.BigEndian.PutUint32(packet[8:], n*18_000)
		if _, err := conn.Write(packet); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
