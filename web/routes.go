package web

import (
	"net/http"
	"net/http/pprof"
	"strings"

	"wildfire-watch/protocol"
	"wildfire-watch/web/auth"
)

// route is one row of the table of routes.
type route struct {
	method, path string
	about        string
	role         auth.Role // who may; empty: everybody, without a login
	orders       bool      // it has the pump do something
	params       []param
	body         any         // a value of the body's type; nil: none
	answers      map[int]any // by status, a value of the answer's type, or a media type; every other answer is a Problem
	serve        func(p *Page, w http.ResponseWriter, req *http.Request, v visitor)
}

// param is a parameter in a path or a query.
type param struct {
	name, in, kind, about string
	low, high             int64 // of an integer
}

const (
	asText = media("text/plain")
	asCSV  = media("text/csv")
	asSSE  = media("text/event-stream")
	asJPEG = media("image/jpeg")
)

// media is an answer that is no JSON.
type media string

var (
	cameraName = param{name: "name", in: "path", kind: "string", about: "The camera, as the overview names it."}
	after      = param{name: "after", in: "query", kind: "integer", about: "The number after which to begin: last of the answer before; 0: with the oldest.", high: 1 << 52}
)

// table is every route of the API.
func table() []route {
	return []route{
		{method: "GET", path: "/api/overview", about: "Everything that is known, at one instant.", role: auth.Viewer,
			answers: map[int]any{200: protocol.Overview{}}, serve: (*Page).overview},
		{method: "GET", path: "/api/status", about: "The pump's state, how the program started, and the overview.", role: auth.Viewer,
			answers: map[int]any{200: Status{}, 503: Status{}}, serve: (*Page).status},
		{method: "GET", path: "/api/lines", about: "The board's lines, as commanded and as read.", role: auth.Viewer,
			answers: map[int]any{200: Wires{}, 503: Wires{}}, serve: (*Page).wires},
		{method: "GET", path: "/api/stream", role: auth.Viewer,
			about:   "Each overview as it comes: server-sent events named overview, the id is its number; a comment every 10 s. At most 32 at once.",
			answers: map[int]any{200: asSSE}, serve: (*Page).follow},
		{method: "GET", path: "/api/events", about: "What happened, oldest first.", role: auth.Viewer,
			params: []param{after,
				{name: "limit", in: "query", kind: "integer", about: "How many at most; 100 if not given.", low: 1, high: maxEvents},
				{name: "newest", in: "query", kind: "boolean", about: "The last ones instead of those after a number."}},
			answers: map[int]any{200: Events{}}, serve: (*Page).events},
		{method: "GET", path: "/api/events.csv", about: "The same for a spreadsheet, all of it.", role: auth.Viewer,
			params: []param{after}, answers: map[int]any{200: asCSV}, serve: (*Page).eventsCSV},
		{method: "GET", path: "/api/cameras/{name}/chart", about: "The areas of what a camera sees, and the rule they are judged by.",
			role: auth.Viewer, params: []param{cameraName}, answers: map[int]any{200: protocol.Chart{}}, serve: (*Page).chart},
		{method: "GET", path: "/api/cameras/{name}/snapshot", about: "The camera's newest picture, through Frigate.",
			role: auth.Viewer, params: []param{cameraName}, answers: map[int]any{200: asJPEG}, serve: (*Page).snapshot},
		{method: "POST", path: "/api/commands", role: auth.Operator, orders: true, body: Order{},
			about: "Orders the pump: start, stop, reset, valve_open, valve_close. All but stop carry confirm: true. " +
				"200: accepted. 409: refused, with the reason. 504: the pump has not answered.",
			answers: map[int]any{200: Outcome{}, 409: Outcome{}}, serve: (*Page).order},
		{method: "POST", path: "/api/alarms/acknowledge", about: "Says that a person has seen alarms; neither code nor subject: all.",
			role: auth.Operator, body: Seen{}, answers: map[int]any{202: Done{}}, serve: (*Page).acknowledge},
		{method: "POST", path: "/api/reload", role: auth.Operator, body: struct{}{},
			about:   "Has the program read its configuration anew. 409: it has mistakes, or the pump is busy; what could be was taken up.",
			answers: map[int]any{200: protocol.SettingsOutcome{}, 409: protocol.SettingsOutcome{}}, serve: (*Page).reload},
		{method: "GET", path: "/api/session", about: "Who we are to the house.", role: auth.Viewer,
			answers: map[int]any{200: Session{}}, serve: (*Page).session},
		{method: "POST", path: "/api/login", about: "Begins a session, in a cookie.", body: Login{},
			answers: map[int]any{200: Session{}}, serve: (*Page).login},
		{method: "POST", path: "/api/logout", about: "Ends the session.", role: auth.Viewer, body: struct{}{},
			answers: map[int]any{200: Done{}}, serve: (*Page).logout},
		{method: "GET", path: "/api/openapi.json", about: "This document.", role: auth.Viewer,
			answers: map[int]any{200: map[string]any{}}, serve: (*Page).openAPI},
		{method: "GET", path: "/healthz", about: "ok once the pump has reported.",
			answers: map[int]any{200: asText, 503: asText}, serve: (*Page).health},
		{method: "GET", path: "/readyz", about: "ready if water would flow now; the overview says why not.",
			answers: map[int]any{200: asText, 503: asText}, serve: (*Page).ready},
	}
}

// handler is the table, the page's files, and what settings add.
func (p *Page) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range table() {
		mux.HandleFunc(r.method+" "+r.path, p.guarded(r))
	}
	add := func(path string, role auth.Role, h http.HandlerFunc) {
		r := route{method: http.MethodGet, path: path, role: role,
			serve: func(_ *Page, w http.ResponseWriter, req *http.Request, _ visitor) { h(w, req) }}
		mux.HandleFunc("GET "+path, p.guarded(r))
	}
	if p.settings.Metrics != nil {
		add("/metrics", auth.Viewer, p.settings.Metrics.ServeHTTP)
	}
	if p.settings.Config.Pprof {
		add("/debug/pprof/", auth.Operator, pprof.Index)
		add("/debug/pprof/cmdline", auth.Operator, pprof.Cmdline)
		add("/debug/pprof/profile", auth.Operator, pprof.Profile)
		add("/debug/pprof/symbol", auth.Operator, pprof.Symbol)
		add("/debug/pprof/trace", auth.Operator, pprof.Trace)
	}
	// The page holds no secret: what it shows it asks the API for.
	mux.HandleFunc("/", p.guarded(route{serve: func(_ *Page, w http.ResponseWriter, req *http.Request, _ visitor) {
		if reads := req.Method == http.MethodGet || req.Method == http.MethodHead; !reads || !serveFile(w, req) {
			otherwise(mux, w, req)
		}
	}}))
	return mux
}

// otherwise answers what no route takes: another method of a path that there is, or nothing at all.
func otherwise(mux *http.ServeMux, w http.ResponseWriter, req *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := &http.Request{Method: method, URL: req.URL, Host: req.Host}
		if _, pattern := mux.Handler(probe); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		refuse(w, http.StatusNotFound, "there is nothing at this path", "/api/openapi.json tells what there is")
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, http.StatusMethodNotAllowed, "this path takes "+strings.Join(allowed, ", "), "see /api/openapi.json")
}
