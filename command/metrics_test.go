package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/protocol"
	"wildfire-watch/web/metrics"
)

// TestARunningHouseIsMeteredWithEveryActorAndTellsHomeAssistant: the whole house on the simulator board,
// with an overview of ours where its own is not made yet.
func TestARunningHouseIsMeteredWithEveryActorAndTellsHomeAssistant(t *testing.T) {
	c, _, err := system.Load(defaults, "", append(demoSettings, "journal.dir="+t.TempDir(), "http.listen=",
		"cameras.discovery=false", "homeassistant.enabled=true"))
	if err != nil {
		t.Fatal(err)
	}
	board, err := openBoard(&configured{Config: c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	state := make(chan bool, 1)
	folder, err := journal.Claim(c.Journal)
	if err != nil {
		t.Fatal(err)
	}
	h, err := open(c, folder, board, zap.NewNop(), outside{tap: func(msg any) {
		if p, ok := msg.(protocol.Publication); ok {
			mu.Lock()
			defer mu.Unlock()
			if told = append(told, p.Topic); p.Topic == protocol.TopicState && len(state) == 0 {
				state <- true
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close("test", nil); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-state:
	case <-time.After(20 * time.Second):
		mu.Lock()
		defer mu.Unlock()
		t.Fatalf("%s was not told: %q", protocol.TopicState, told)
	}
	w := httptest.NewRecorder()
	metrics.Handler(metered{h.system}, &h.tally, "1").
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{"wildfire_ready 0", `wildfire_mailbox_actors{kind="pump"} 1`, `wildfire_mailbox_actors{kind="homeassistant"} 1`,
		`wildfire_mailbox_received_total{kind="gpio"} `, `wildfire_events_total{action="controller_started"} 1`, "wildfire_events_dropped_total 0"} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s in code %d: %.2000s", want, w.Code, text)
		}
	}
}
