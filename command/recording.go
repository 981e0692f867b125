package command

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// recorded is one line of a recording: what `mosquitto_sub -F '%j'` prints of a message.
type recorded struct {
	At       time.Time
	Topic    string
	Payload  []byte
	Retained bool
}

// recordLimit bounds one line: a message of 1 MiB, every byte escaped.
const recordLimit = 8 << 20

// recording reads a file line by line. Lines that cannot be read are counted, and the first is told.
type recording struct {
	lines  *bufio.Scanner
	number int
	bad    int
	first  string
	last   time.Time
	close  []io.Closer
}

// openRecording opens a file, plain or gzip; "-" is standard input.
func openRecording(path string) (*recording, error) {
	r := &recording{}
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("open the recording: %w", err)
		}
		in, r.close = f, append(r.close, f)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("open the recording %s: %w", path, err)
		}
		in, r.close = z, append(r.close, z)
	}
	r.lines = bufio.NewScanner(in)
	r.lines.Buffer(make([]byte, 0, 64<<10), recordLimit)
	return r, nil
}

// Close closes the file.
func (r *recording) Close() {
	for _, c := range r.close {
		_ = c.Close()
	}
}

// next is the next message; io.EOF ends the recording. Time never runs backwards: a line with an
// earlier time than the one before arrives with it.
func (r *recording) next() (recorded, error) {
	for r.lines.Scan() {
		r.number++
		line := strings.TrimSpace(r.lines.Text())
		if line == "" {
			continue
		}
		m, err := parseRecorded(line)
		if err != nil {
			r.bad++
			if r.first == "" {
				r.first = fmt.Sprintf("line %d: %v", r.number, err)
			}
			continue
		}
		if m.At.Before(r.last) {
			m.At = r.last
		}
		r.last = m.At
		return m, nil
	}
	if err := r.lines.Err(); err != nil {
		return recorded{}, fmt.Errorf("read the recording, line %d: %w", r.number+1, err)
	}
	return recorded{}, io.EOF
}

// empty says that a recording held no message at all, and why.
func (r *recording) empty(path string) error {
	why := "it is empty"
	if r.bad > 0 {
		why = fmt.Sprintf("%s, the first of them: %s", many(r.bad, "line"), r.first)
	}
	return fmt.Errorf("replay %s: no message in it (%s); make one with wildfire-watch record FILE or mosquitto_sub -F '%%j'", path, why)
}

// stampForms are the times of mosquitto_sub: 2.0 writes a zone behind the Z.
var stampForms = []string{"2006-01-02T15:04:05.999999Z-0700", time.RFC3339Nano, "2006-01-02T15:04:05.999999-0700"}

func parseRecorded(line string) (m recorded, err error) {
	var raw struct {
		Tst     string          `json:"tst"`
		Topic   string          `json:"topic"`
		Retain  json.RawMessage `json:"retain"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal([]byte(line), &raw); err != nil {
		return m, fmt.Errorf("not a JSON object: %w", err)
	}
	if raw.Topic == "" {
		return m, errors.New("no topic")
	}
	if m.At, err = parseStamp(raw.Tst); err != nil {
		return m, err
	}
	m.Topic = raw.Topic
	m.Retained = string(raw.Retain) == "1" || string(raw.Retain) == "true"
	var text string
	if json.Unmarshal(raw.Payload, &text) == nil {
		m.Payload = []byte(text)
	} else { // %J writes the payload as JSON
		m.Payload = raw.Payload
	}
	return m, nil
}

func parseStamp(text string) (time.Time, error) {
	for _, form := range stampForms {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("tst %q: want a time like 2025-11-24T16:00:00.510464Z+0000", text)
}
