package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// playRedirect announces a camera that wants a login, and sends whoever gives one to another host, or
// for ever to itself.
func playRedirect(f flags) error {
	loop := f.to == f.ip
	return all(
		func() error { return announce(f.ip, 1, camerasXAddr(f.ip)) },
		func() error {
			return web(":80", func(w http.ResponseWriter, r *http.Request, body string) {
				if !loop && r.Header.Get("Authorization") == "" && !strings.Contains(body, "UsernameToken") {
					w.WriteHeader(http.StatusBadRequest)
					_, _ = io.WriteString(w, denied)
					return
				}
				told("REDIRECT", r, f.to)
				w.Header().Set("Location", "http://"+f.to+"/stolen/device_service")
				w.WriteHeader(http.StatusTemporaryRedirect) // 307: the body goes along
			})
		},
		func() error { return serve(":554", func(c net.Conn) { redirectRTSP(c, f.to, loop) }) },
	)
}

func redirectRTSP(c net.Conn, to string, loop bool) {
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(io.LimitReader(c, mostRequest))
	for {
		q, err := readRequest(r)
		switch {
		case err != nil:
			return
		case q.method == "OPTIONS":
			err = q.answer(c, "200 OK", []string{"Public: OPTIONS, DESCRIBE"}, "")
		case !loop && q.header.Get("Authorization") == "":
			err = q.answer(c, "401 Unauthorized", []string{`WWW-Authenticate: Basic realm="Lab camera"`}, "")
		default:
			note("REDIRECT", c, to)
			err = q.answer(c, "302 Moved Temporarily", []string{"Location: rtsp://" + to + "/stolen"}, "")
		}
		if err != nil {
			return
		}
	}
}

// playThief is where redirects and foreign addresses lead to. Nobody has a reason to log in here: it
// asks for a login only below /stolen, where no scan looks by itself. It counts every login.
func playThief(flags) error {
	return all(
		func() error {
			return http.ListenAndServe(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(io.LimitReader(r.Body, mostRequest))
				if r.Header.Get("Authorization") != "" || strings.Contains(string(body), "UsernameToken") {
					told("LOGIN", r, "http", r.URL.Path)
				}
				if strings.HasPrefix(r.URL.Path, "/stolen") {
					told("VISIT", r, "http", r.URL.Path)
					w.Header().Set("WWW-Authenticate", `Basic realm="thief"`)
					http.Error(w, "a login, please", http.StatusUnauthorized)
					return
				}
				http.NotFound(w, r)
			}))
		},
		func() error { return serve(":554", thiefRTSP) },
	)
}

func thiefRTSP(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(io.LimitReader(c, mostRequest))
	for {
		q, err := readRequest(r)
		if err != nil {
			return
		}
		if q.header.Get("Authorization") != "" {
			note("LOGIN", c, "rtsp", q.url)
		}
		switch {
		case strings.HasPrefix(q.path(), "/stolen"):
			note("VISIT", c, "rtsp", q.url)
			err = q.answer(c, "401 Unauthorized", []string{`WWW-Authenticate: Basic realm="thief"`}, "")
		case q.method == "OPTIONS":
			err = q.answer(c, "200 OK", []string{"Public: OPTIONS, DESCRIBE"}, "")
		default:
			err = q.answer(c, "404 Not Found", nil, "")
		}
		if err != nil {
			return
		}
	}
}
