package web

import (
	"io"
	"net/http"

	"wildfire-watch/protocol"
)

// Status is the answer of /api/status: the pump's state as the events have it, and the rest beside it.
type Status struct {
	protocol.SystemState
	Boots    uint64 `json:"boots"`
	LastStop string `json:"last_stop"`
	SafeMode bool   `json:"safe_mode"`
	// Overview is what /api/overview answers; null before the first.
	Overview *protocol.Overview `json:"overview"`
}

func (p *Page) status(w http.ResponseWriter, _ *http.Request, _ visitor) {
	status, ok := p.source.Status()
	r := p.source.Recovered()
	answer := Status{SystemState: status.System, Boots: r.Boots, LastStop: r.LastStop, SafeMode: r.SafeMode}
	if o, known := p.source.Overview(); known {
		answer.Overview = &o
	}
	code := http.StatusOK
	if !ok {
		code = http.StatusServiceUnavailable
	}
	say(w, code, answer)
}

func (p *Page) overview(w http.ResponseWriter, _ *http.Request, _ visitor) {
	o, ok := p.source.Overview()
	if !ok {
		refuse(w, http.StatusServiceUnavailable, "there is no overview yet", "ask again in a second")
		return
	}
	say(w, http.StatusOK, o)
}

func (p *Page) health(w http.ResponseWriter, _ *http.Request, _ visitor) {
	_, ok := p.source.Status()
	plain(w, ok, "ok\n", "the pump has not reported yet\n")
}

// ready says no more than that: why not is for who has logged in.
func (p *Page) ready(w http.ResponseWriter, _ *http.Request, _ visitor) {
	o, ok := p.source.Overview()
	plain(w, ok && o.Ready.Ready, "ready\n", "not ready: /api/overview says why\n")
}

func plain(w http.ResponseWriter, well bool, yes, no string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !well {
		w.WriteHeader(http.StatusServiceUnavailable)
		yes = no
	}
	_, _ = io.WriteString(w, yes)
}
