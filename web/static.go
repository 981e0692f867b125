package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"wildfire-watch/web/static"
)

// file is one file of the page, ready to be sent.
type file struct {
	text, packed []byte // packed is nil where gzip saves nothing
	kind, tag    string
}

// kinds are the types of the page's files; a table of our own, because the machine's may be missing.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".json": "application/json",
	".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}

const (
	plainText = "text/plain; charset=utf-8" // a licence
	indexFile = "index.html"
)

// files are all files by path, packed when the first is asked for.
var files = sync.OnceValue(func() map[string]file {
	all := make(map[string]file)
	_ = fs.WalkDir(static.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(static.Files, name)
		if err == nil {
			all[name] = pack(name, text)
		}
		return err
	})
	return all
})

func pack(name string, text []byte) file {
	sum := sha256.Sum256(text)
	f := file{text: text, kind: kinds[path.Ext(name)], tag: hex.EncodeToString(sum[:8])}
	if f.kind == "" {
		f.kind = plainText
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
	_, _ = z.Write(text)
	_ = z.Close()
	if b.Len() < len(text)*9/10 {
		f.packed = b.Bytes()
	}
	return f
}

// serveFile sends a file of the page, at its own path or below /static/; it says whether there is one.
func serveFile(w http.ResponseWriter, req *http.Request) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, "/"), "static/")
	if name == "" {
		name = indexFile
	}
	f, ok := files()[name]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache") // asked for anew each time, sent again if it has changed
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", f.kind)
	text, tag := f.text, `"`+f.tag+`"`
	if f.packed != nil && takesGzip(req.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		text, tag = f.packed, `"`+f.tag+`-gzip"`
	}
	h.Set("ETag", tag)
	for known := range strings.SplitSeq(req.Header.Get("If-None-Match"), ",") {
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == tag || known == "*" {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
	return true
}

// takesGzip reads an Accept-Encoding.
func takesGzip(accept string) bool {
	for one := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if coding == "gzip" || coding == "*" {
			q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			return strings.Trim(q, "0.") != "" || weight == ""
		}
	}
	return false
}
