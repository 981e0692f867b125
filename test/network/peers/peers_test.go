package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// The example of RFC 7616, section 3.9.1.
func TestTheLoginsAreThoseOfTheStandard(t *testing.T) {
	p := parameters(`username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256,` +
		` nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,` +
		` cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="x"`)
	for method, want := range map[string]string{
		"sha256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		"digest": "8ca523f5e9506fed4657c9700eebdbec",
	} {
		l := login{method: method, user: "Mufasa", password: "Circle of Life", realm: p["realm"], nonce: p["nonce"]}
		if got := l.response("GET", p); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
}

func TestACameraAsksForItsLoginDescribesAndPlays(t *testing.T) {
	l := login{method: "sha256", user: "admin", password: "secret", realm: "r", nonce: "n"}
	ours, its := net.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); camera{paths: []string{"/live"}, login: l}.talk(its) }()
	defer func() { _ = ours.Close(); <-done }()
	_ = ours.SetDeadline(time.Now().Add(5 * time.Second))
	r := textproto.NewReader(bufio.NewReader(ours))
	ask := func(method, path string, headers ...string) (string, textproto.MIMEHeader) {
		t.Helper()
		head := fmt.Sprintf("%s rtsp://10.0.0.1%s RTSP/1.0\r\nCSeq: 7\r\n", method, path)
		if _, err := io.WriteString(ours, head+strings.Join(append(headers, "\r\n"), "\r\n")); err != nil {
			t.Fatal(err)
		}
		status, err := r.ReadLine()
		if err != nil {
			t.Fatal(err)
		}
		header, err := r.ReadMIMEHeader()
		if err != nil || header.Get("CSeq") != "7" {
			t.Fatalf("%v %v", header, err)
		}
		body := make([]byte, len(description))
		if header.Get("Content-Length") != "" {
			if _, err := io.ReadFull(r.R, body); err != nil || string(body) != description {
				t.Fatalf("%q %v", body, err)
			}
		}
		return strings.TrimPrefix(status, "RTSP/1.0 "), header
	}
	authorization := func(method string) string {
		p := map[string]string{"uri": "rtsp://10.0.0.1/live", "qop": "auth", "nc": "00000001", "cnonce": "c"}
		return fmt.Sprintf(`Authorization: Digest username="admin", realm="r", nonce="n", uri="rtsp://10.0.0.1/live",`+
			` algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c", response="%s"`, l.response(method, p))
	}
	for _, step := range []struct {
		method, path string
		headers      []string
		want         string
	}{
		{"OPTIONS", "/live", nil, "200 OK"},
		{"DESCRIBE", "/other", nil, "404 Not Found"},
		{"DESCRIBE", "/live", nil, "401 Unauthorized"},
		{"DESCRIBE", "/live", []string{"Authorization: Basic YWRtaW46c2VjcmV0"}, "401 Unauthorized"},
		{"DESCRIBE", "/live", []string{authorization("OPTIONS")}, "401 Unauthorized"},
		{"DESCRIBE", "/live", []string{authorization("DESCRIBE")}, "200 OK"},
		{"SETUP", "/live/track1", []string{authorization("SETUP"), "Transport: RTP/AVP;unicast"}, "461 Unsupported Transport"},
		{"SETUP", "/live/track1", []string{authorization("SETUP"), "Transport: RTP/AVP/TCP;interleaved=0-1"}, "200 OK"},
		{"PLAY", "/live", []string{authorization("PLAY")}, "200 OK"},
	} {
		if got, _ := ask(step.method, step.path, step.headers...); got != step.want {
			t.Errorf("%s %s: %s, want %s", step.method, step.path, got, step.want)
		}
	}
	if mark, err := r.R.ReadByte(); err != nil || mark != '$' {
		t.Errorf("no packet: %q %v", mark, err)
	}
}
