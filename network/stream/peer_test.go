package stream

import (
	"bufio"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is a host on loopback.
type peer struct {
	port        int
	mu          sync.Mutex
	connections int
	open        map[net.Conn]bool
}

// host starts a host that treats every connection by serve, which must end when its connection does.
func host(t testing.TB, address string, serve func(net.Conn)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{port: l.Addr().(*net.TCPAddr).Port, open: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.connections++
			p.open[c] = true
			p.mu.Unlock()
			all.Go(func() {
				serve(c)
				_ = c.Close()
				p.mu.Lock()
				delete(p.open, c)
				p.mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		all.Wait()
	})
	return p
}

func (p *peer) url(path string) string { return fmt.Sprintf("rtsp://127.0.0.1:%d%s", p.port, path) }

func (p *peer) met() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connections
}

const sdp264 = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
	"a=framerate:5\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAKNoB4AiflwFqAgICgAAAAwCAAAAFR4wZUA==,aM48gA==\r\na=control:stream=0\r\n"

const sdpSub = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=x-dimensions:640,360\r\na=control:stream=0\r\n"

const sdpJPEG = "v=0\r\nm=video 0 RTP/AVP 26\r\na=control:stream=0\r\n"

// device is an RTSP server that does what it is told, on loopback. It checks logins by its own reading
// of RFC 2617 and RFC 7616, and counts them.
type device struct {
	user, password string            // empty: asks for none
	offers         []string          // WWW-Authenticate lines; %s is the nonce
	streams        map[string]string // path → SDP
	statuses       map[string]int    // path → status of DESCRIBE
	moves          map[string]string // path → Location
	pathFirst      bool              // unknown paths are 404 before any login is asked for
	loginFirst     bool              // OPTIONS wants a login too
	hangsUp        bool              // after a wrong login
	closes         bool              // after each answer
	uses           int               // of a nonce; 0: any
	sayStale       bool
	busy           int  // answers of 503 before the first description
	setup          int  // status of SETUP; 0: 200
	udpOnly        bool // 461 for interleaved
	packets        int  // sent after PLAY; -1: until the connection ends

	mu       sync.Mutex
	tries    map[string]int // user:right or user:wrong → requests with that login
	wrong    int
	asked    []string // methods
	nonce    int
	sessions int // set up and not torn down
	most     int
}

type request struct {
	method, url string
	header      textproto.MIMEHeader
}

func readRequest(b *bufio.Reader) (q request, err error) {
	r := textproto.NewReader(b)
	line, err := r.ReadLine()
	if err != nil {
		return q, err
	}
	f := strings.Fields(line)
	if len(f) != 3 || f[2] != "RTSP/1.0" {
		return q, fmt.Errorf("no request: %q", line)
	}
	q.method, q.url = f[0], f[1]
	q.header, err = r.ReadMIMEHeader()
	return q, err
}

func (d *device) count(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *device) serve(c net.Conn) {
	b := bufio.NewReader(c)
	used, stop := 0, make(chan struct{})
	var playing sync.WaitGroup
	defer playing.Wait()
	defer close(stop)
	client := ""
	for {
		q, err := readRequest(b)
		if err != nil {
			return
		}
		d.count(func() { d.asked = append(d.asked, q.method) })
		answer := func(status int, lines []string, body string) {
			text := fmt.Sprintf("RTSP/1.0 %d X\r\nCseq: %s\r\n", status, q.header.Get("CSeq"))
			if d.closes {
				text += "connection: Close\r\n"
			}
			for _, l := range lines {
				text += l + "\r\n"
			}
			if body != "" {
				text += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
			}
			_, _ = c.Write([]byte(text + "\r\n" + body))
		}
		path := strings.TrimPrefix(q.url, "rtsp://")
		path = strings.TrimSuffix(path[strings.IndexByte(path, '/'):], "/stream=0")
		if q.method == "PLAY" || q.method == "TEARDOWN" {
			path = strings.TrimSuffix(path, "/") // as Content-Base has it
		}
		_, known := d.streams[path]
		if d.statuses[path] != 0 || d.moves[path] != "" {
			known = true
		}
		if q.method == "OPTIONS" && !d.loginFirst {
			answer(200, []string{"Public: DESCRIBE"}, "")
			if d.closes {
				return
			}
			continue
		}
		if !known && d.pathFirst {
			answer(404, nil, "")
			continue
		}
		if d.user != "" {
			given := q.header.Get("Authorization")
			right := d.right(q, given)
			if given != "" {
				used++
			}
			stale := given != "" && right && d.uses > 0 && used > d.uses
			if given != "" {
				d.count(func() {
					name := field(given, "username")
					if raw, ok := strings.CutPrefix(given, "Basic "); ok {
						b, _ := base64.StdEncoding.DecodeString(raw)
						name, _, _ = strings.Cut(string(b), ":")
					}
					if !right {
						d.wrong++
					}
					if d.tries == nil {
						d.tries = map[string]int{}
					}
					d.tries[fmt.Sprintf("%s:%v", name, right)]++
				})
			}
			if !right || stale {
				var lines []string
				d.count(func() { d.nonce++ })
				for _, o := range d.offers {
					if strings.Contains(o, "%s") {
						o = fmt.Sprintf(o, d.nonceNow())
					}
					if stale && d.sayStale {
						o += ", stale=TRUE"
					}
					lines = append(lines, "Www-Authenticate: "+o)
				}
				used = 0
				answer(401, lines, "")
				if given != "" && !right && d.hangsUp || d.closes {
					return
				}
				continue
			}
		}
		switch {
		case q.method == "OPTIONS":
			answer(200, nil, "")
		case q.method == "DESCRIBE" && d.moves[path] != "":
			answer(302, []string{"Location: " + d.moves[path]}, "")
		case q.method == "DESCRIBE" && d.statuses[path] != 0:
			answer(d.statuses[path], nil, "")
		case !known:
			answer(404, nil, "")
		case q.method == "DESCRIBE" && d.isBusy():
			answer(503, nil, "")
		case q.method == "DESCRIBE":
			answer(200, []string{"Content-Base: rtsp://192.0.2.9" + path + "/", "Content-type: application/sdp"}, d.streams[path])
		case q.method == "SETUP" && d.setup != 0:
			answer(d.setup, nil, "")
		case q.method == "SETUP" && d.udpOnly && strings.Contains(q.header.Get("Transport"), "interleaved"):
			answer(461, nil, "")
		case q.method == "SETUP":
			d.count(func() { d.sessions++; d.most = max(d.most, d.sessions) })
			client = field(q.header.Get("Transport"), "client_port")
			answer(200, []string{"Session: 4711;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5"}, "")
		case q.header.Get("Session") != "4711":
			answer(454, nil, "")
		case q.method == "PLAY":
			answer(200, nil, "")
			playing.Go(func() { d.play(c, client, stop) })
		case q.method == "TEARDOWN":
			d.count(func() { d.sessions-- })
			answer(200, nil, "")
		default:
			answer(405, nil, "")
		}
		if d.closes {
			return
		}
	}
}

// play sends RTP packets of a JPEG of 800 x 600, every other on a channel that nobody asked for.
func (d *device) play(c net.Conn, client string, stop chan struct{}) {
	packet := make([]byte, 12+8+100)
	packet[0], packet[1] = 0x80, 26
	packet[12+6], packet[12+7] = 800/8, 600/8
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var udp net.Conn
	if first, _, ok := strings.Cut(client, "-"); ok {
		var err error
		if udp, err = net.Dial("udp", "127.0.0.1:"+first); err != nil {
			return
		}
		defer udp.Close()
	}
	for n := 0; n != d.packets; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if udp != nil {
			_, _ = udp.Write(packet)
			continue
		}
		for _, channel := range []byte{5, 4} {
			frame := append([]byte{'$', channel, 0, 0}, packet...)
			binary.BigEndian.PutUint16(frame[2:], uint16(len(packet)))
			if _, err := c.Write(frame); err != nil {
				return
			}
		}
	}
}

func (d *device) isBusy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
	return d.busy >= 0
}

func (d *device) nonceNow() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return "n" + strconv.Itoa(d.nonce)
}

// field is a field of an Authorization or Transport header.
func field(text, name string) string {
	for _, sep := range []string{" " + name + "=", "," + name + "=", ";" + name + "="} {
		if _, rest, ok := strings.Cut(text, sep); ok {
			if inner, quoted := strings.CutPrefix(rest, `"`); quoted {
				inner = strings.ReplaceAll(inner, `\"`, "\x00")
				value, _, _ := strings.Cut(inner, `"`)
				return strings.ReplaceAll(value, "\x00", `"`)
			}
			value, _, _ := strings.Cut(rest, ",")
			return value
		}
	}
	return ""
}

// right says whether a login is the device's own.
func (d *device) right(q request, given string) bool {
	if raw, ok := strings.CutPrefix(given, "Basic "); ok {
		return raw == base64.StdEncoding.EncodeToString([]byte(d.user+":"+d.password))
	}
	if !strings.HasPrefix(given, "Digest ") || field(given, "nonce") != d.nonceNow() || field(given, "username") != d.user {
		return false
	}
	makeHash := md5.New
	if strings.HasPrefix(field(given, "algorithm"), "SHA-256") {
		makeHash = sha256.New
	}
	h := func(text string) string { return hashed(makeHash(), text) }
	key := h(d.user + ":" + field(given, "realm") + ":" + d.password)
	what := h(q.method + ":" + q.url)
	want := h(key + ":" + field(given, "nonce") + ":" + what)
	if field(given, "qop") == "auth" {
		want = h(strings.Join([]string{key, field(given, "nonce"), field(given, "nc"), field(given, "cnonce"), "auth", what}, ":"))
	}
	return field(given, "uri") == q.url && field(given, "response") == want
}

func hashed(h hash.Hash, text string) string {
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
