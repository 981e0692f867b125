package web

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"wildfire-watch/web/static"
)

func TestThePageIsSentWithItsPolicyPackedAndOnce(t *testing.T) {
	p := serving(t, Settings{}, pumping())
	plain := get(t, p, "/")
	if plain.code != 200 || !strings.Contains(plain.body, "<title>Wildfire Watch") || plain.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %.80s", plain.code, plain.body)
	}
	for name, want := range map[string]string{"Content-Security-Policy": static.Policy, "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Content-Type": "text/html; charset=utf-8", "Vary": "Accept-Encoding", "Cache-Control": "no-cache"} {
		if got := plain.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(static.Policy, want) || strings.Contains(static.Policy, "unsafe") {
			t.Errorf("the policy is %q", static.Policy)
		}
	}
	packed := get(t, p, "/", "Accept-Encoding: br, gzip;q=0.8")
	z, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != plain.body || packed.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("packed it is another page: %v", err)
	}
	for encoding, first := range map[string]answerOf{"identity": plain, "gzip": packed} {
		a := get(t, p, "/", "Accept-Encoding: "+encoding, `If-None-Match: "other", W/`+first.header.Get("ETag"))
		if a.code != 304 || a.body != "" {
			t.Errorf("%s: known already: %d, %d bytes", encoding, a.code, len(a.body))
		}
	}
	if get(t, p, "/", `If-None-Match: "other"`).code != 200 || plain.header.Get("ETag") == packed.header.Get("ETag") {
		t.Error("tags do not tell versions apart")
	}
	for accept, want := range map[string]bool{"": false, "gzip": true, "gzip;q=0": false, "gzip; q=0.0": false, "*": true, "br": false, "gzip;q=1": true} {
		if takesGzip(accept) != want {
			t.Errorf("%q takes gzip: %v", accept, !want)
		}
	}
	for _, path := range []string{"/static.go", "/../web.go", "/static/../static.go", "/%2e%2e/config.toml"} {
		if a := get(t, p, path); a.code == 200 {
			t.Errorf("%s is sent", path)
		}
	}
}
