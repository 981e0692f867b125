package bridge

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// line is one message of a recording, in the shape and the order of `mosquitto_sub -F '%j'`.
type line struct {
	Time    string  `json:"tst"` // when it arrived: 2025-11-24T16:00:00.510464Z+0000
	Topic   string  `json:"topic"`
	QoS     byte    `json:"qos"`
	Retain  int     `json:"retain"`
	Length  int     `json:"payloadlen"` // bytes as they came
	ID      uint16  `json:"mid,omitempty"`
	Payload *string `json:"payload"` // null if empty
}

const (
	lineTime = "2006-01-02T15:04:05.000000Z+0000"
	// flushEvery is how much a crash of the recorder costs at most.
	flushEvery = 500 * time.Millisecond
)

// Record writes what a replay needs, every topic that we subscribe to and our own events, to w
// until ctx ends, one JSON object a line as `mosquitto_sub -F '%j'` writes it. Bytes of a payload
// that are no UTF-8 become U+FFFD, for a line must be JSON; payloadlen counts them as they came.
// After an outage it goes on. progress, if not nil, is told the totals about twice a second. The
// error is nil when ctx ended it, else why the broker could not be reached at first or w not
// written.
func Record(ctx context.Context, s Settings, w io.Writer, progress func(n int, bytes int64)) error {
	if s.Clock == nil {
		s.Clock = actors.SystemClock{}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &recorder{w: bufio.NewWriterSize(w, 64<<10), clock: s.Clock, fail: cancel}
	filters := recorded(protocol.Prefixes{Ours: s.Config.TopicPrefix, Frigate: s.FrigatePrefix})
	done, err := attach(ctx, s, "record", filters, r.take)
	defer func() { <-done }()
	defer cancel(nil)
	if err != nil {
		return fmt.Errorf("record from the broker: %w", err)
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		n, bytes, err := r.flush()
		if progress != nil {
			progress(n, bytes)
		}
		if err != nil {
			return fmt.Errorf("write the recording: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// unrecorded decide nothing that a replay tells, and Frigate's figures quote the command lines of its
// processes, which may hold a camera's login.
var unrecorded = []string{protocol.TopicFrigateStats, protocol.TopicFrigateStatus,
	protocol.TopicHomeAssistant}

// recorded are the topics that a replay needs.
func recorded(p protocol.Prefixes) map[string]byte {
	filters := make(map[string]byte)
	for _, t := range protocol.Topics {
		if t.In && !slices.Contains(unrecorded, t.Name) || t.Name == protocol.TopicEvents {
			filters[p.Place(t, t.Filter())] = t.QoS
		}
	}
	return filters
}

// recorder writes lines; its callback and its flush run on different goroutines.
type recorder struct {
	clock actors.Clock
	fail  context.CancelCauseFunc

	mu    sync.Mutex
	w     *bufio.Writer
	n     int
	bytes int64
	err   error
}

func (r *recorder) take(m paho.Message) {
	text, err := encode(m, r.clock.Wall())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	if r.err != nil {
		return
	}
	if _, r.err = r.w.Write(text); r.err != nil {
		r.fail(r.err)
		return
	}
	r.n++
	r.bytes += int64(len(text))
}

func (r *recorder) flush() (n int, bytes int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.w.Flush()
	}
	return r.n, r.bytes, r.err
}

// encode is one message as a line.
func encode(m paho.Message, wall time.Time) ([]byte, error) {
	out := line{Time: wall.UTC().Format(lineTime), Topic: m.Topic(), QoS: m.Qos(),
		Length: len(m.Payload()), ID: m.MessageID()}
	if m.Retained() {
		out.Retain = 1
	}
	if len(m.Payload()) > 0 {
		text := string(m.Payload())
		out.Payload = &text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return []byte(b.String()), err
}
