//go:build network

package network

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/test/gear"
)

// listener hears the program's broker from inside the appliance host.
type listener struct {
	mu    sync.Mutex
	heard []message
}

// message is one on camera/discovery/<mac> or camera/status/<mac>.
type message struct {
	topic, mac string
	at         time.Time
	payload    string
	MAC, IP    string
	Online     bool
	Reason     string
	Method     string   `json:"discovery_method"`
	URLs       []string `json:"rtsp_urls"`
}

const (
	discoveryTopic = "camera/discovery/"
	statusTopic    = "camera/status/"
)

// listen subscribes to all that the program says of cameras.
func (p *process) listen() *listener {
	p.t.Helper()
	l := &listener{}
	o := mqtt.NewClientOptions().AddBroker(p.run.MQTT).SetClientID(fmt.Sprintf("test-%d", time.Now().UnixNano())).
		SetCustomOpenConnectionFn(func(at *url.URL, _ mqtt.ClientOptions) (net.Conn, error) { return p.lab.dial(at.Host) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { l.take(m.Topic(), m.Payload()) })
	client := mqtt.NewClient(o)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		p.t.Fatalf("connect to %s: %v\n%s", p.run.MQTT, token.Error(), p.tail())
	}
	p.t.Cleanup(func() { client.Disconnect(50) })
	for _, topic := range []string{discoveryTopic + "#", statusTopic + "#"} {
		if token := client.Subscribe(topic, 1, nil); token.Wait() && token.Error() != nil {
			p.t.Fatalf("subscribe to %s: %v", topic, token.Error())
		}
	}
	return l
}

func (l *listener) take(topic string, payload []byte) {
	m := message{topic: topic, at: time.Now(), payload: string(payload)}
	_ = json.Unmarshal(payload, &m)
	for _, prefix := range []string{discoveryTopic, statusTopic} {
		if mac, ok := strings.CutPrefix(topic, prefix); ok {
			m.topic, m.mac = prefix, mac
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, m)
}

// on are the messages of a kind about a MAC (empty: about all) since an instant.
func (l *listener) on(topic, mac string, since time.Time) (all []message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.heard {
		if m.topic == topic && (mac == "" || m.mac == mac) && m.at.After(since) {
			all = append(all, m)
		}
	}
	return all
}

// newest is the last discovery message about a MAC.
func (l *listener) newest(mac string) (m message) {
	if all := l.on(discoveryTopic, mac, time.Time{}); len(all) > 0 {
		return all[len(all)-1]
	}
	return m
}

// said tells whether a status message about a MAC came since, that fits.
func (l *listener) said(mac string, since time.Time, fits func(message) bool) bool {
	return slices.ContainsFunc(l.on(statusTopic, mac, since), fits)
}

// goes are the words of a status message.
func goesOffline(m message) bool { return !m.Online && !moves(m) }
func comesOnline(m message) bool { return m.Online && !moves(m) }
func moves(m message) bool       { return strings.Contains(m.Reason, "ip_changed") }

// online counts the MACs whose newest discovery message says online.
func (l *listener) online() (n int) {
	last := make(map[string]bool)
	for _, m := range l.on(discoveryTopic, "", time.Time{}) {
		last[m.mac] = m.Online
	}
	for _, up := range last {
		if up {
			n++
		}
	}
	return n
}

// knows waits until all these cameras are online.
func (p *process) knows(t *testing.T, l *listener, limit time.Duration, cameras []host) {
	t.Helper()
	missing := func() (ids []string) {
		for _, h := range cameras {
			if !l.newest(h.MAC).Online {
				ids = append(ids, h.ID)
			}
		}
		return ids
	}
	if !gear.Await(limit, func() bool { return len(missing()) == 0 }) {
		t.Fatalf("not online within %v: %v\n%s", limit, missing(), p.tail())
	}
}
