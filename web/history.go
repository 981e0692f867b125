package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

const (
	maxEvents  = 1000      // in an answer, and in a page of the CSV
	someEvents = 100       // without a limit
	maxRows    = 1_000_000 // of a CSV: more than journal.max_events allows
	csvTime    = time.Minute
)

// Events is a piece of the history.
type Events struct {
	Events []protocol.Event `json:"events"`
	Last   uint64           `json:"last"` // the next after
}

// asked puts a question to the journal.
func (p *Page) asked(req *http.Request, q protocol.EventsAsked) (Events, bool) {
	reply := make(chan Events, 1)
	q.Reply = func(events []protocol.Event, last uint64) {
		select {
		case reply <- Events{events, last}:
		default: // a second answer
		}
	}
	p.source.Publish(q)
	got, ok := await(req, reply, p.limits.reply)
	if got.Events == nil {
		got.Events = []protocol.Event{}
	}
	return got, ok
}

// question reads after, limit and newest; problem says what is wrong with them.
func question(req *http.Request) (q protocol.EventsAsked, problem string) {
	q.Limit = someEvents
	values := req.URL.Query()
	var err error
	if text := values.Get("after"); text != "" {
		if q.After, err = strconv.ParseUint(text, 10, 64); err != nil {
			return q, "after is no whole number from 0 on"
		}
	}
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxEvents {
			return q, fmt.Sprintf("limit is no number from 1 to %d", maxEvents)
		}
	}
	if text := values.Get("newest"); text != "" {
		if q.Newest, err = strconv.ParseBool(text); err != nil {
			return q, "newest is neither true nor false"
		}
	}
	return q, ""
}

func (p *Page) events(w http.ResponseWriter, req *http.Request, _ visitor) {
	q, problem := question(req)
	if problem != "" {
		refuse(w, http.StatusBadRequest, problem, "see /api/openapi.json")
		return
	}
	got, ok := p.asked(req, q)
	if !ok {
		refuse(w, http.StatusServiceUnavailable, "the journal has not answered", "try again; the disk may be slow")
		return
	}
	say(w, http.StatusOK, got)
}

var columns = []string{"time", "timestamp", "boot", "seq", "action", "reason", "state", "engine_on", "main_valve",
	"refill_valve", "current_runtime", "host", "details"}

// eventsCSV sends the history page by page: it is never whole in memory.
func (p *Page) eventsCSV(w http.ResponseWriter, req *http.Request, _ visitor) {
	q, problem := question(req)
	if problem != "" {
		refuse(w, http.StatusBadRequest, problem, "see /api/openapi.json")
		return
	}
	q.Limit, q.Newest = maxEvents, false
	got, ok := p.asked(req, q)
	if !ok {
		refuse(w, http.StatusServiceUnavailable, "the journal has not answered", "try again; the disk may be slow")
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="wildfire-watch-events.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write(columns)
	c := http.NewResponseController(w)
	until := time.Now().Add(csvTime)
	for rows := 0; ok && len(got.Events) > 0 && rows < maxRows; {
		_ = c.SetWriteDeadline(time.Now().Add(answerTime))
		for _, e := range got.Events {
			_ = out.Write(row(e))
		}
		out.Flush()
		rows += len(got.Events)
		if out.Error() != nil || time.Now().After(until) || got.Last <= q.After {
			break
		}
		q.After = got.Last
		got, ok = p.asked(req, q)
	}
	out.Flush()
	if out.Error() != nil || !ok {
		panic(http.ErrAbortHandler) // an export that is cut short must not look whole
	}
}

func row(e protocol.Event) []string {
	details := ""
	if len(e.Details) > 0 {
		text, _ := json.Marshal(e.Details) // they came from JSON
		details = string(text)
	}
	at := time.UnixMilli(int64(e.Timestamp * 1000)).UTC().Format("2006-01-02T15:04:05.000Z")
	all := []string{at, strconv.FormatFloat(e.Timestamp, 'f', -1, 64), e.Boot, strconv.FormatUint(e.Seq, 10), string(e.Action),
		e.Reason, e.System.State.String(), strconv.FormatBool(e.System.EngineOn), strconv.FormatBool(e.System.MainValve),
		strconv.FormatBool(e.System.RefillValve), strconv.FormatFloat(e.System.CurrentRuntime, 'f', -1, 64), e.Host, details}
	for i, cell := range all {
		all[i] = harmless(cell)
	}
	return all
}

// harmless keeps a spreadsheet from taking a text for a formula (OWASP: CSV injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		if _, err := strconv.ParseFloat(cell, 64); err != nil {
			return "'" + cell
		}
	}
	return cell
}
