package main

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// login is what a camera wants to hear, and how.
type login struct {
	method         string // none, basic, digest (MD5, as RFC 2069 had it) or sha256 (RFC 7616)
	user, password string
	realm, nonce   string
}

func newLogin(f flags) login {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	return login{method: f.auth, user: f.user, password: f.password, realm: "Lab camera",
		nonce: hex.EncodeToString(nonce[:])}
}

// challenge is the WWW-Authenticate header.
func (l login) challenge() string {
	switch l.method {
	case "basic":
		return `WWW-Authenticate: Basic realm="` + l.realm + `"`
	case "sha256":
		return `WWW-Authenticate: Digest realm="` + l.realm + `", qop="auth", algorithm=SHA-256, nonce="` + l.nonce + `"`
	}
	return `WWW-Authenticate: Digest realm="` + l.realm + `", nonce="` + l.nonce + `"`
}

// accepts judges an Authorization header.
func (l login) accepts(method, header string) bool {
	if l.method == "none" {
		return true
	}
	scheme, rest, _ := strings.Cut(header, " ")
	if l.method == "basic" {
		return strings.EqualFold(scheme, "Basic") &&
			rest == base64.StdEncoding.EncodeToString([]byte(l.user+":"+l.password))
	}
	p := parameters(rest)
	if !strings.EqualFold(scheme, "Digest") || p["username"] != l.user || p["nonce"] != l.nonce || p["realm"] != l.realm {
		return false
	}
	if l.method == "sha256" && !strings.EqualFold(p["algorithm"], "SHA-256") {
		return false
	}
	return p["response"] != "" && p["response"] == l.response(method, p)
}

// response is what a right login answers to our challenge (RFC 7616 §3.4.1; without qop RFC 2069).
func (l login) response(method string, p map[string]string) string {
	h := func(text string) string {
		var d hash.Hash = md5.New()
		if l.method == "sha256" {
			d = sha256.New()
		}
		d.Write([]byte(text))
		return hex.EncodeToString(d.Sum(nil))
	}
	who, what := h(l.user+":"+l.realm+":"+l.password), h(method+":"+p["uri"])
	if p["qop"] == "" {
		return h(who + ":" + l.nonce + ":" + what)
	}
	return h(strings.Join([]string{who, l.nonce, p["nc"], p["cnonce"], p["qop"], what}, ":"))
}

// parameters reads k="v", k=v.
func parameters(text string) map[string]string {
	p := make(map[string]string)
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			break
		}
		key = strings.ToLower(strings.Trim(key, " ,"))
		if inner, quoted := strings.CutPrefix(rest, `"`); quoted {
			p[key], text, _ = strings.Cut(inner, `"`)
		} else {
			p[key], text, _ = strings.Cut(rest, ",")
			p[key] = strings.TrimSpace(p[key])
		}
	}
	return p
}
