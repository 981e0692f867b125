package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strings"
)

// request is one RTSP request.
type request struct {
	method, url string
	header      textproto.MIMEHeader
}

// readRequest reads one, and the body that nobody needs.
// The reader has a limit, so that no line is endless.
func readRequest(r *bufio.Reader) (q request, err error) {
	t := textproto.NewReader(r)
	line, err := t.ReadLine()
	if err != nil {
		return q, err
	}
	words := strings.Fields(line)
	if len(words) != 3 {
		return q, fmt.Errorf("no request: %.40q", line)
	}
	q.method, q.url = words[0], words[1]
	q.header, err = t.ReadMIMEHeader()
	return q, err
}

// path is what the URL names, with its question, without the host.
func (q request) path() string {
	u, err := url.Parse(q.url)
	if err != nil {
		return ""
	}
	return u.Path
}

// answer writes a whole answer.
func (q request) answer(c net.Conn, status string, headers []string, body string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "RTSP/1.0 %s\r\nCSeq: %s\r\n", status, q.header.Get("CSeq"))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	_, err := io.WriteString(c, b.String())
	return err
}
