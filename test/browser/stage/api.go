package stage

import (
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/web/static"
)

const token = "a-token-of-the-session"

func (s *Stage) routes() http.Handler {
	mux := http.NewServeMux()
	files := http.FileServerFS(static.Files)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", static.Policy+"; report-uri /csp-report")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(&counting{w, s, r.URL.Path}, r)
	})
	mux.HandleFunc("POST /csp-report", func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reports = append(s.reports, string(raw))
	})
	mux.HandleFunc("POST /api/login", s.reachable(s.login))
	for pattern, f := range map[string]http.HandlerFunc{
		"GET /api/session": s.session, "POST /api/logout": s.logout, "GET /api/overview": s.overview, "GET /api/stream": s.stream,
		"POST /api/commands": s.command, "POST /api/alarms/acknowledge": s.acknowledge,
		"GET /api/events": s.asked, "GET /api/events.csv": s.table,
		"GET /api/cameras/{name}/chart": s.chart, "GET /api/cameras/{name}/snapshot": s.snapshot,
	} {
		mux.HandleFunc(pattern, s.reachable(s.known(f)))
	}
	return mux
}

// counting counts what the page weighs.
type counting struct {
	http.ResponseWriter
	s    *Stage
	path string
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.s.mu.Lock()
	c.s.served[c.path] += n
	c.s.mu.Unlock()
	return n, err
}

// reachable ends the connection without a word while it is cut.
func (s *Stage) reachable(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		cut := s.cut
		s.mu.Unlock()
		if cut {
			panic(http.ErrAbortHandler)
		}
		f(w, r)
	}
}

// known wants a session, and the token where something is changed.
func (s *Stage) known(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.options.Login {
			c, err := r.Cookie("session")
			s.mu.Lock()
			ok := err == nil && s.sessions[c.Value]
			s.mu.Unlock()
			if !ok {
				answer(w, http.StatusUnauthorized, map[string]any{"error": "not signed in"})
				return
			}
		}
		if r.Method == http.MethodPost && r.Header.Get("X-CSRF-Token") != token {
			answer(w, http.StatusForbidden, map[string]any{"error": "the token is wrong"})
			return
		}
		f(w, r)
	}
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (s *Stage) login(w http.ResponseWriter, r *http.Request) {
	var by struct{ User, Password string }
	if json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&by) != nil || by.User != User || by.Password != Password {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "user or password is wrong"})
		return
	}
	id := rand.Text()
	s.mu.Lock()
	s.sessions[id] = true
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	s.session(w, r)
}

func (s *Stage) session(w http.ResponseWriter, _ *http.Request) {
	role := "operator"
	if s.options.Viewer {
		role = "viewer"
	}
	answer(w, http.StatusOK, map[string]string{"user": User, "role": role, "csrf": token})
}

func (s *Stage) logout(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	clear(s.sessions)
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{})
}

func (s *Stage) overview(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	raw := s.sent
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw)
}

func (s *Stage) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	for {
		s.mu.Lock()
		raw, news, cut := s.sent, s.news, s.cutOff
		s.mu.Unlock()
		if _, err := fmt.Fprintf(w, "event: overview\ndata: %s\n\n", raw); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-news:
		case <-cut:
			panic(http.ErrAbortHandler)
		case <-s.ended:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Stage) acknowledge(w http.ResponseWriter, r *http.Request) {
	var a protocol.Acknowledge
	if json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&a) != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "not JSON"})
		return
	}
	if s.options.Viewer {
		answer(w, http.StatusForbidden, map[string]any{"error": "this needs the role operator, yours is viewer"})
		return
	}
	a.By = "page: " + User
	s.Change(func(o *protocol.Overview) {
		s.acks = append(s.acks, a)
		left := o.Alarms[:0:0]
		for _, is := range o.Alarms {
			if a.Code == "" || a.Code == is.Code && a.Subject == is.Subject {
				is.Acknowledged = a.By
			}
			if is.Active || is.Acknowledged == "" {
				left = append(left, is)
			}
		}
		o.Alarms = left
	})
	answer(w, http.StatusAccepted, map[string]any{"ok": true})
}

func (s *Stage) asked(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	after, _ := strconv.Atoi(r.FormValue("after"))
	s.mu.Lock()
	all := slices.Clone(s.events[min(after, len(s.events)):])
	last := len(s.events)
	s.mu.Unlock()
	if limit <= 0 {
		limit = 100
	}
	if r.FormValue("newest") != "" {
		all = all[max(0, len(all)-limit):]
	}
	answer(w, http.StatusOK, map[string]any{"events": all, "last": last})
}

func (s *Stage) table(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "text/csv")
	out := csv.NewWriter(w)
	for _, e := range s.events {
		_ = out.Write([]string{time.UnixMilli(int64(e.Timestamp * 1000)).UTC().Format(time.RFC3339), string(e.Action), e.Reason, e.System.State.String()})
	}
	out.Flush()
}
