package frigate

import (
	"testing"
	"time"
)

func TestOtherRulesSayWhatIsFireAndHowOftenToAsk(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "1", 100)
	b.wait(10 * time.Second)
	if n := b.asks(); n < 8 {
		t.Fatalf("asked %d times in 10 s", n)
	}
	r := rules
	r.AskInterval = 5 * time.Second
	b.m.Configure(r)
	b.step(Woke{})
	b.wait(20 * time.Second)
	if n := b.asks(); n < 3 || n > 5 {
		t.Errorf("asked %d times in 20 s of every 5 s", n)
	}
	r.Labels = []string{"smoke"}
	b.m.Configure(r)
	b.step(Woke{})
	b.asks()
	b.wait(20 * time.Second)
	if n := b.asks(); n != 0 {
		t.Errorf("asked %d times for what is no fire any more", n)
	}
}

func TestAChangeTouchesWhatItNamesAlone(t *testing.T) {
	s := Settings{Config: Config{TopicPrefix: "f", API: "http://10.0.0.1", AskInterval: time.Second}, Labels: []string{"fire"}, MaxCameras: 1, MaxObjects: 1}
	got := s.with(Configured{AskInterval: 2 * time.Second, Labels: []string{"smoke"}, MaxCameras: 2, MaxObjects: 3})
	if got.Config.TopicPrefix != "f" || got.Config.API != "http://10.0.0.1" || got.Config.AskInterval != 2*time.Second ||
		got.Labels[0] != "smoke" || got.MaxCameras != 2 || got.MaxObjects != 3 {
		t.Errorf("%+v", got)
	}
}
