package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Problem is every answer that is none.
type Problem struct {
	Error string `json:"error"`
	Do    string `json:"do"` // what helps
}

// Done is the answer where there is nothing to say.
type Done struct {
	OK bool `json:"ok"`
}

// say answers with JSON.
func say(w http.ResponseWriter, code int, value any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(value); err != nil {
		code = http.StatusInternalServerError
		b.Reset()
		_ = json.NewEncoder(&b).Encode(Problem{"write the answer: " + err.Error(), "report this"})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}

func refuse(w http.ResponseWriter, code int, why, do string) { say(w, code, Problem{why, do}) }

// take reads a body of one JSON value with known fields; it answers itself if there is none.
func (p *Page) take(w http.ResponseWriter, req *http.Request, into any) bool {
	d := json.NewDecoder(req.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one value")
		}
	}
	if err == nil {
		return true
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		p.record(req, "size")
		refuse(w, http.StatusRequestEntityTooLarge, "the body is too large", "send at most 4 KiB")
		return false
	}
	p.record(req, "json")
	refuse(w, http.StatusBadRequest, "the body cannot be read: "+err.Error(), "see /api/openapi.json")
	return false
}

// await waits for an actor's reply, not longer than the limit.
func await[T any](req *http.Request, reply <-chan T, limit time.Duration) (got T, ok bool) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case got = <-reply:
		return got, true
	case <-t.C:
	case <-req.Context().Done():
	}
	return got, false
}
