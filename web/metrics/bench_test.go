package metrics

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"wildfire-watch/protocol"
)

func BenchmarkScrape(b *testing.B) {
	for name, n := range map[string]int{"8 cameras": 8, "200 cameras": 200, "1000 cameras": 1000} {
		b.Run(name, func(b *testing.B) {
			s := burning(n)
			for _, c := range s.overview.Cameras {
				s.mailboxes = append(s.mailboxes, Mailbox{Name: c.Name, Kind: "camera", Received: 5})
			}
			h := Handler(s, heard(), "1")
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}

func BenchmarkHear(b *testing.B) {
	var t Tally
	var msg any = protocol.Detected{}
	b.ReportAllocs()
	for b.Loop() {
		t.Hear(msg)
	}
}
