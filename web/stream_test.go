package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// follower reads a stream as a browser does.
type follower struct {
	t      *testing.T
	body   io.ReadCloser
	lines  *bufio.Scanner
	header http.Header
	code   int
	cancel context.CancelFunc
	client *http.Client
}

func followBy(t *testing.T, client *http.Client, p *Page, headers ...string) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	a, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, body: a.Body, lines: bufio.NewScanner(a.Body), header: a.Header, code: a.StatusCode, cancel: cancel, client: client}
	f.lines.Buffer(nil, 4<<20)
	t.Cleanup(f.close)
	return f
}

func follow(t *testing.T, p *Page, headers ...string) *follower {
	t.Helper()
	return followBy(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, p, headers...)
}

func (f *follower) close() { f.cancel(); _ = f.body.Close() }

// next is the next overview, or what the stream says until a line begins so.
func (f *follower) until(begin string) (line string, ok bool) {
	for f.lines.Scan() {
		if strings.HasPrefix(f.lines.Text(), begin) {
			return f.lines.Text(), true
		}
	}
	return "", false
}

func (f *follower) next() protocol.Overview {
	f.t.Helper()
	id, ok := f.until("id: ")
	if !ok {
		f.t.Fatalf("the stream has ended: %v", f.lines.Err())
	}
	if event, _ := f.until("event: "); event != "event: overview" {
		f.t.Fatalf("event %q", event)
	}
	data, _ := f.until("data: ")
	var o protocol.Overview
	if err := json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &o); err != nil {
		f.t.Fatal(err)
	}
	if id != fmt.Sprintf("id: %d", o.Number) {
		f.t.Errorf("%s of overview %d", id, o.Number)
	}
	return o
}

func TestTheStreamTellsEachOverviewAndThatItLives(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	f := follow(t, p)
	if f.code != 200 || f.header.Get("Content-Type") != "text/event-stream" || f.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", f.code, f.header)
	}
	if got := f.next(); got.Number != 5 || len(got.Cameras) != 2 {
		t.Errorf("at once: %+v", got)
	}
	for n := uint64(6); n < 10; n++ {
		h.tell(protocol.Overview{Number: n, Site: "line\nbreak"})
		if got := f.next(); got.Number != n || got.Site != "line\nbreak" {
			t.Errorf("got %d, want %d", got.Number, n)
		}
	}
	for range 3 {
		if _, ok := f.until(": alive"); !ok {
			t.Fatal("it does not say that it lives")
		}
	}
	f.close()
	eventually(t, "the stream is let go", func() bool { p.stream.mu.Lock(); defer p.stream.mu.Unlock(); return p.stream.many == 0 })
	// Whoever comes back after a gap gets what is now, whatever they had.
	h.tell(protocol.Overview{Number: 20})
	h.tell(protocol.Overview{Number: 21})
	for _, last := range []string{"5", "9", "21", "rubbish", strings.Repeat("9", 1000), ""} {
		again := follow(t, p, "Last-Event-ID: "+last)
		if got := again.next(); got.Number != 21 {
			t.Errorf("Last-Event-ID %q: overview %d, want 21", last, got.Number)
		}
		again.close()
	}
}

func TestAStreamBeforeTheFirstOverviewWaitsForIt(t *testing.T) {
	h := &house{}
	f := follow(t, serving(t, Settings{}, h))
	if _, ok := f.until("retry: 2000"); !ok {
		t.Fatal("nothing is said at once")
	}
	h.tell(protocol.Overview{Number: 1})
	if got := f.next(); got.Number != 1 {
		t.Errorf("got %d", got.Number)
	}
}

func TestStreamsAreBoundedAndEndWithThePage(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	var all []*follower
	for range maxStreams {
		all = append(all, follow(t, p))
	}
	if f := follow(t, p); f.code != 503 || f.header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d", f.code)
	}
	for _, f := range all {
		if f.next().Number != 5 {
			t.Error("one of many hears something else")
		}
	}
	began := time.Now()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("closing took %v: it waited for streams", took)
	}
	for _, f := range all {
		if _, ok := f.until("id: "); ok {
			t.Error("a stream goes on after the end")
		}
	}
}

func TestASlowReaderIsDroppedAndDelaysNobody(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	slow, err := net.Dial("tcp", strings.TrimPrefix(p.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	_ = slow.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(slow, "GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
	f := follow(t, p)
	many := func() int { p.stream.mu.Lock(); defer p.stream.mu.Unlock(); return p.stream.many }
	eventually(t, "both follow", func() bool { return many() == 2 })
	big := protocol.Overview{Cameras: make([]protocol.CameraLine, 2000)}
	for i := range big.Cameras {
		big.Cameras[i].Name = strings.Repeat("x", 200) + strconv.Itoa(i)
	}
	number, longest := uint64(100), time.Duration(0)
	eventually(t, "the slow reader is dropped", func() bool {
		number++
		big.Number = number
		began := time.Now()
		h.tell(big) // on an actor's goroutine
		longest = max(longest, time.Since(began))
		for f.next().Number < number {
		}
		return many() == 1
	})
	if longest >= quick.slow {
		t.Errorf("an actor waited %v for a reader", longest)
	}
	if number > 200 {
		t.Errorf("it took %d overviews", number-100)
	}
}

func TestAStreamMissesWhatCameTooFastAndEndsWithTheNewest(t *testing.T) {
	h := pumping()
	f := follow(t, serving(t, Settings{}, h))
	for n := uint64(6); n <= 5000; n++ {
		h.tell(protocol.Overview{Number: n})
	}
	last, seen := uint64(0), 0
	for last < 5000 {
		got := f.next().Number
		if got <= last {
			t.Fatalf("%d after %d", got, last)
		}
		last = got
		seen++
	}
	t.Logf("%d of 4995 were seen", seen)
}

func TestALogoutEndsTheStream(t *testing.T) {
	p := serving(t, Settings{Config: Config{Users: users}}, pumping())
	c := browser(t)
	s := login(t, c, p, "anna")
	f := followBy(t, c, p)
	if f.next().Number != 5 {
		t.Fatal("no stream")
	}
	requestBy(t, c, "POST", p.URL()+"/api/logout", "{}", "X-CSRF-Token: "+s.CSRF)
	if _, ok := f.until("id: "); ok {
		t.Error("it goes on")
	}
}

func BenchmarkFrame(b *testing.B) {
	o := *pumping().overview
	for i := range 200 {
		o.Cameras = append(o.Cameras, protocol.CameraLine{Name: "camera" + strconv.Itoa(i), MAC: "00:11:22:33:44:55", IP: "192.0.2.1",
			Objects: []string{}})
	}
	b.SetBytes(int64(len(frameOf(&o))))
	for b.Loop() {
		if !bytes.HasPrefix(frameOf(&o), []byte("id: 5")) {
			b.Fatal("no frame")
		}
	}
}
