package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func event(seq int) protocol.Event {
	return protocol.Event{Action: protocol.EngineRunning, Boot: "b", Seq: uint64(seq), Host: "pi"}
}

// seqs are the numbers of the events that the peer was sent.
func (p *peer) seqs() (all []int) {
	for _, m := range p.on("system/trigger_telemetry") {
		var e protocol.Event
		if err := json.Unmarshal(m.Payload, &e); err != nil {
			p.t.Fatal(err)
		}
		all = append(all, int(e.Seq))
	}
	return all
}

func TestSubscriptionsPrefixQoSAndWillsAreThoseOfTheContract(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url(), ClientID: "ww", TopicPrefix: "site7"},
		FrigatePrefix: "nvr"})
	h.occurred(protocol.MQTTConnected, 1)
	want := map[string]byte{"site7/fire/detection": 0, "site7/fire/detection/+": 0,
		"site7/fire/trigger": 2, "site7/fire/emergency": 1, "site7/system/camera_telemetry": 0,
		"site7/system/telemetry": 0, "nvr/events": 0, "nvr/camera_activity": 0, "nvr/available": 0,
		"nvr/stats": 0, "nvr/+/status/detect": 0}
	p.mu.Lock()
	defer p.mu.Unlock()
	if fmt.Sprint(p.filters) != fmt.Sprint(want) {
		t.Errorf("subscribed to %v", p.filters)
	}
	for _, c := range p.connects {
		service := strings.TrimPrefix(c.ClientIdentifier, "ww-")
		if !slices.Contains(protocol.Services, protocol.Service(service)) || !c.CleanSession ||
			!c.WillFlag || !c.WillRetain || c.WillQos != 1 || string(c.WillMessage) != "offline" ||
			c.WillTopic != "site7/system/"+service+"/lwt" {
			t.Errorf("connect %v", c)
		}
	}
	for _, m := range p.published {
		if !strings.HasPrefix(m.TopicName, "site7/") {
			t.Errorf("published outside the prefix: %s", m.TopicName)
		}
	}
}

func TestTheStopsConnectionCarriesNothingThatFloods(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url(), ClientID: "ww"}})
	h.occurred(protocol.MQTTConnected, 1)
	l := h.bridge.links[protocol.GPIOTrigger]
	if len(l.filters) != 2 {
		t.Errorf("gpio_trigger subscribes to %v", l.filters)
	}
	for _, row := range protocol.Topics {
		if row.Service == protocol.GPIOTrigger && !row.In {
			t.Errorf("%s goes out on the connection of the stops", row.Name)
		}
	}
}

func TestEveryIncomingTopicHasADecoder(t *testing.T) {
	for _, row := range protocol.Topics {
		if row.In && (decoders[row.Name] == nil || row.MaxPayload == 0 || row.Service == "") {
			t.Errorf("%s: no decoder, bound or connection", row.Name)
		}
	}
}

func TestATriggerGoesOutAsTheContractSays(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url(), ClientID: "ww"}, Instance: "i-1"})
	h.occurred(protocol.MQTTConnected, 1)
	h.ref.Send(protocol.FireConfirmed{ID: 1, Wall: time.Unix(1_700_000_000, 0), Count: 3,
		Cameras: []string{"a", "b"}, Fires: [][2]string{{"a", "7"}}})
	eventually(t, "the trigger", func() bool { return len(p.on("fire/trigger")) == 1 })
	m := p.on("fire/trigger")[0]
	want := `{"action":"trigger","confidence":"high","timestamp":1700000000,"trigger_count":3,` +
		`"consensus_cameras":["a","b"],"fire_locations":[["a","7"]],` +
		`"service_id":"ww-fire_consensus","instance":"i-1","zones":[]}`
	if string(m.Payload) != want || m.Qos != 2 || m.Retain {
		t.Errorf("QoS %d, retained %v, %s", m.Qos, m.Retain, m.Payload)
	}
	names := make([]string, 5000)
	for i := range names {
		names[i] = strings.Repeat("x", 5000)
	}
	h.ref.Send(protocol.FireConfirmed{ID: 2, Cameras: names, Zones: names})
	eventually(t, "the huge trigger", func() bool { return len(p.on("fire/trigger")) == 2 })
	if n := len(p.on("fire/trigger")[1].Payload); n > maxLetter {
		t.Errorf("a trigger of %d bytes: the broker would hang up", n)
	}
}

func TestAPublicationGetsOurPrefixUnlessItIsFrigatesAndWhole(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url(), ClientID: "ww", TopicPrefix: "site7"},
		FrigatePrefix: "nvr"})
	h.occurred(protocol.MQTTConnected, 1)
	h.ref.Send(protocol.Publication{Service: protocol.CameraDetector, Topic: "nvr/onConnect",
		Foreign: true})
	h.ref.Send(protocol.Publication{Service: protocol.CameraDetector, Topic: "camera/status/aa"})
	h.ref.Send(protocol.Publication{Service: "nobody", Topic: "x"}) // refused, not fatal
	h.ref.Send(protocol.Publication{Service: protocol.Telemetry, Topic: "x", QoS: 3})
	h.ref.Send(protocol.Publication{Service: protocol.Telemetry, Topic: "x",
		Payload: make([]byte, maxLetter+1)})
	eventually(t, "both", func() bool {
		return len(p.on("nvr/onConnect")) == 1 && len(p.on("site7/camera/status/aa")) == 1
	})
	if n := len(p.on("site7/x")); n != 0 {
		t.Errorf("%d malformed publications went out", n)
	}
}

func TestStartDoesNotWaitForTheBrokerAndItsReturnIsNoticed(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	h := move(t, Settings{Config: Config{URL: "tcp://" + addr}})
	fault := until[protocol.Fault](h, 1)[0]
	if fault.Code != "broker" || fault.Cleared || !strings.Contains(fault.Text, addr) {
		t.Errorf("%+v", fault)
	}
	for i := range 3 {
		h.ref.Send(event(i + 1))
	}
	h.ref.Send(protocol.Publication{Service: protocol.Telemetry, Topic: "system/telemetry",
		Payload: []byte("gone")})
	h.ref.Send(protocol.Publication{Service: protocol.Telemetry, Topic: "system/telemetry/health",
		Payload: []byte("old"), Retained: true})
	h.ref.Send(protocol.Publication{Service: protocol.Telemetry, Topic: "system/telemetry/health",
		Payload: []byte("new"), Retained: true})
	eventually(t, "three events wait", func() bool { n, _, _ := h.bridge.Queue(); return n == 3 })
	p := newPeer(t, func() (net.Listener, error) { return net.Listen("tcp", addr) })
	h.occurred(protocol.MQTTConnected, 1)
	eventually(t, "the events", func() bool { return len(p.seqs()) == 3 })
	if got := p.seqs(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("events %v", got)
	}
	if len(p.on("system/telemetry")) != 0 {
		t.Error("a figure of the past was published")
	}
	states := p.on("system/telemetry/health")
	if len(states) != 1 || string(states[0].Payload) != "new" || !states[0].Retain {
		t.Errorf("states %v", states)
	}
	if f := until[protocol.Fault](h, 2)[1]; !f.Cleared || f.Code != "broker" {
		t.Errorf("%+v", f)
	}
}

func TestAfterABrokersRestartEverythingIsSubscribedAndPublishedAnew(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	h := move(t, Settings{Config: Config{URL: "tcp://" + b.Addr}})
	h.occurred(protocol.MQTTConnected, 1)
	h.ref.Send(protocol.Publication{Service: protocol.CameraDetector, Topic: "camera/discovery/aa",
		Payload: []byte("cam"), Retained: true, QoS: 1})
	h.ref.Send(protocol.Publication{Service: protocol.CameraDetector, Topic: "camera/discovery/bb",
		Payload: []byte("cam"), Retained: true, QoS: 1})
	h.ref.Send(protocol.Publication{Service: protocol.CameraDetector, Topic: "camera/discovery/bb",
		Retained: true, QoS: 1})
	c := join(t, b.Addr, "camera/#")
	c.next("camera/discovery/aa")
	_ = b.Close()
	h.occurred(protocol.MQTTDisconnected, 1)
	b = embedded(t, b.Addr)
	h.occurred(protocol.MQTTConnected, 2)
	join(t, b.Addr, "camera/#").next("camera/discovery/aa")
	if m := join(t, b.Addr, "camera/#").next("camera/discovery/aa"); string(m.Payload()) != "cam" ||
		!m.Retained() {
		t.Errorf("%q, retained %v", m.Payload(), m.Retained())
	}
	c = join(t, b.Addr, "system/+/lwt")
	if m := c.next("system/gpio_trigger/lwt"); string(m.Payload()) != "online" {
		t.Errorf("gpio_trigger is %s", m.Payload())
	}
	c.say("fire/emergency", 1, false, "stop")
	c.say("fire/detection/n", 0, false, `{"confidence":1,"bbox":[0,0,0.5,0.5]}`)
	until[protocol.Command](h, 1)
	until[protocol.Detected](h, 1)
	if n := len(h.occurred(protocol.MQTTDisconnected, 1)); n != 1 {
		t.Errorf("mqtt_disconnected %d times for one outage", n)
	}
}

func TestTheWillSpeaksWhenAConnectionBreaksAndOnlineFollows(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	wires := make(chan net.Conn, 16)
	h := move(t, Settings{Dial: func(ctx context.Context) (net.Conn, error) {
		c, err := b.Dial(ctx)
		if err == nil {
			wires <- c
		}
		return c, err
	}})
	h.occurred(protocol.MQTTConnected, 1)
	watch := join(t, b.Addr, "system/+/lwt")
	for range protocol.Services {
		_ = (<-wires).Close()
	}
	said := map[string]string{}
	for back := 0; back < len(protocol.Services); {
		select {
		case m := <-watch.got:
			before := said[m.Topic()]
			said[m.Topic()] += string(m.Payload()) + " "
			if strings.HasSuffix(before, "offline ") && string(m.Payload()) == "online" {
				back++
			}
		case <-time.After(patience):
			t.Fatalf("said %v", said)
		}
	}
}

func TestAThousandEventsOverABreakingBrokerArriveInOrderAndNoneIsLost(t *testing.T) {
	p := newPeer(t, nil)
	p.set(func() { p.hangUpAfter = 450 })
	h := move(t, Settings{Config: Config{URL: p.url()}})
	h.occurred(protocol.MQTTConnected, 1)
	for i := range 1000 {
		h.ref.Send(event(i + 1))
	}
	eventually(t, "the last event", func() bool {
		s := p.seqs()
		return len(s) > 0 && s[len(s)-1] == 1000
	})
	got := p.seqs()
	doubled := len(got) - len(slices.Compact(slices.Clone(got)))
	if unique := slices.Compact(got); len(unique) != 1000 || !slices.IsSorted(unique) {
		t.Errorf("%d events, sorted %v", len(unique), slices.IsSorted(unique))
	}
	p.mu.Lock()
	breaks := 0
	for _, n := range p.perConn {
		if n > p.hangUpAfter {
			breaks++
		}
	}
	p.mu.Unlock()
	// The peer took the event in doubt each time it broke: the worst case, one double a break.
	if breaks != 2 || doubled != breaks {
		t.Errorf("%d breaks, %d doubled events", breaks, doubled)
	}
}

func TestABrokerThatBreaksBeforeItTakesAnEventCausesNoDouble(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url()}})
	h.occurred(protocol.MQTTConnected, 1)
	for i := range 500 {
		h.ref.Send(event(i + 1))
	}
	eventually(t, "five hundred", func() bool { return len(p.seqs()) == 500 })
	p.cut()
	for i := range 500 {
		h.ref.Send(event(501 + i))
	}
	eventually(t, "the last event", func() bool { return len(p.seqs()) >= 1000 })
	if got := p.seqs(); len(got) != 1000 || !slices.IsSorted(got) || got[0] != 1 {
		t.Errorf("%d events, sorted %v", len(got), slices.IsSorted(got))
	}
}

func TestTheOldestOfMoreThanTenThousandEventsIsDroppedAndCounted(t *testing.T) {
	h := move(t, Settings{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }})
	for i := range MaxQueued + 25 {
		h.ref.Send(event(i + 1))
	}
	eventually(t, "the count", func() bool {
		n, dropped, _ := h.bridge.Queue()
		return n == MaxQueued && dropped == 25
	})
	if l, ok := h.bridge.links[protocol.Telemetry].box.head(); !ok ||
		!strings.Contains(string(l.payload), `"seq":26,`) {
		t.Errorf("head %s", l.payload)
	}
}

func TestABrokerThatReadsNothingHoldsUpNobody(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url()}})
	h.occurred(protocol.MQTTConnected, 1)
	p.set(func() { p.deaf = true })
	big := []byte(strings.Repeat("x", 200<<10))
	start := time.Now()
	for range 200 { // 40 MB: more than any socket buffer
		h.ref.Send(protocol.Publication{Service: protocol.GPIOTrigger, Topic: "x", Payload: big})
	}
	asked := make(chan struct{})
	go func() { h.ref.Send(event(1)); close(asked) }()
	<-asked
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("handing over took %v", took)
	}
	h.occurred(protocol.MQTTDisconnected, 1)
	start = time.Now()
	h.leave()
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("leaving took %v", took)
	}
}

func TestABrokerThatNeverAcknowledgesDoesNotDelayTheStop(t *testing.T) {
	p := newPeer(t, nil)
	p.set(func() { p.silent = true })
	h := move(t, Settings{Config: Config{URL: p.url()}})
	h.occurred(protocol.MQTTConnected, 1)
	h.ref.Send(event(1))
	h.ref.Send(event(2))
	eventually(t, "the first", func() bool { return len(p.seqs()) == 1 })
	start := time.Now()
	h.leave()
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("leaving took %v", took)
	}
	if n, _, _ := h.bridge.Queue(); n != 2 {
		t.Errorf("%d events wait, both are unacknowledged", n)
	}
}

func TestARefusedSubscriptionIsAFaultThatSaysWhatToDo(t *testing.T) {
	p := newPeer(t, nil)
	p.set(func() { p.refuse = "fire/emergency" })
	h := move(t, Settings{Config: Config{URL: p.url()}})
	f := until[protocol.Fault](h, 1)[0]
	if f.Code != "broker_subscription_gpio_trigger" || !strings.Contains(f.Text, "fire/emergency") {
		t.Errorf("%+v", f)
	}
	p.set(func() { p.refuse = "" })
	h.occurred(protocol.MQTTConnected, 1)
	p.cut()
	h.occurred(protocol.MQTTConnected, 2)
	eventually(t, "clearance", func() bool {
		for _, f := range all[protocol.Fault](h) {
			if f.Code == "broker_subscription_gpio_trigger" && f.Cleared {
				return true
			}
		}
		return false
	})
}

func TestAPanicOfTheActorLosesNoEventAndConnectsAnew(t *testing.T) {
	p := newPeer(t, nil)
	h := move(t, Settings{Config: Config{URL: p.url()}})
	h.occurred(protocol.MQTTConnected, 1)
	p.set(func() { p.silent = true })
	h.ref.Send(event(1))
	eventually(t, "the first", func() bool { return len(p.seqs()) == 1 })
	h.ref.Send(linkUp{}) // no link in it: a nil pointer
	h.ref.Send(event(2))
	p.set(func() { p.silent = false })
	h.occurred(protocol.MQTTConnected, 2)
	eventually(t, "the second", func() bool {
		s := p.seqs()
		return s[len(s)-1] == 2
	})
	if got := slices.Compact(p.seqs()); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("events %v", got)
	}
}

func TestBackoffDoublesToThirtySecondsAndSpreads(t *testing.T) {
	for tries, want := range []time.Duration{500e6, 1e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9} {
		least, most := backoff(tries, 0), backoff(tries, 0.999)
		if least != want/2 || most > want || most < want*9/10 {
			t.Errorf("try %d: %v to %v, want up to %v", tries, least, most, want)
		}
	}
	if backoff(1<<30, 1) != lastWait {
		t.Error("a year away overflows")
	}
}
