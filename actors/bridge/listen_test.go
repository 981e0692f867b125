package bridge

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestAListenerHearsWhatItAskedForAndEnds(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	c := join(t, b.Addr, "p/camera/discovery/aa")
	c.say("p/camera/discovery/aa", 1, true, "kept")
	c.next("p/camera/discovery/aa") // the broker has it
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard, ended := make(chan string, 10), make(chan error, 1)
	go func() {
		ended <- Listen(ctx, Settings{Dial: b.Dial, Config: Config{ClientID: "ww", TopicPrefix: "p"}},
			[]string{"camera/discovery/+", "frigate/config/cameras"}, func(topic string, payload []byte) { heard <- topic + " " + string(payload) })
	}()
	if got := <-heard; got != "camera/discovery/aa kept" {
		t.Error(got)
	}
	c.say("p/camera/status/aa", 0, false, "not asked for")
	c.say("p/frigate/config/cameras", 0, false, "go2rtc:")
	if got := <-heard; got != "frigate/config/cameras go2rtc:" {
		t.Error(got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAListenerSaysWhyThereIsNoBroker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := Listen(ctx, Settings{Config: Config{ClientID: "ww", URL: "tcp://127.0.0.1:1"}}, []string{"a"}, func(string, []byte) {})
	if err == nil || !strings.Contains(err.Error(), "listen to the broker: ") || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}
