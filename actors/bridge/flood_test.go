package bridge

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"wildfire-watch/protocol"
)

// flood writes detections to the broker at a rate until halted; it returns how many were written.
func flood(b *testing.B, addr string, rate int, halt <-chan struct{}) (written *atomic.Int64) {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	connect.ProtocolName, connect.ProtocolVersion, connect.CleanSession = "MQTT", 4, true
	connect.ClientIdentifier = "flood"
	if err := connect.Write(conn); err != nil {
		b.Fatal(err)
	}
	if _, err := packets.ReadPacket(conn); err != nil {
		b.Fatal(err)
	}
	batch := rate / 500
	var text bytes.Buffer
	for i := range batch {
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName = fmt.Sprintf("fire/detection/cam%d", i%16)
		p.Payload = []byte(`{"object_id":"7","label":"fire","confidence":0.83,` +
			`"bbox":[0.41,0.52,0.47,0.60],"timestamp":1764000000.25}`)
		_ = p.Write(&text)
	}
	written = new(atomic.Int64)
	go func() {
		defer func() { _ = conn.Close() }()
		begun := time.Now()
		for n := 0; ; n++ {
			select {
			case <-halt:
				return
			case <-time.After(time.Until(begun.Add(time.Duration(n) * 2 * time.Millisecond))):
			}
			if _, err := conn.Write(text.Bytes()); err != nil {
				return
			}
			written.Add(int64(batch))
		}
	}()
	return written
}

// BenchmarkStopDuringFlood measures, through broker and bridge, a stop's way from its publication
// to its publication in the house, while so many detections a second take theirs.
func BenchmarkStopDuringFlood(b *testing.B) {
	for _, rate := range []int{0, 10_000, 30_000} {
		b.Run(fmt.Sprintf("detections=%d", rate), func(b *testing.B) {
			k := embedded(b, "127.0.0.1:0")
			stops, detections := make(chan time.Time, 16), new(atomic.Int64)
			h := move(b, Settings{Dial: k.Dial, Publish: func(m any) {
				switch m.(type) {
				case protocol.Detected:
					detections.Add(1)
				case protocol.Command:
					stops <- time.Now()
				}
			}})
			h.occurred(protocol.MQTTConnected, 1)
			c := join(b, k.Addr)
			halt := make(chan struct{})
			written := new(atomic.Int64)
			if rate > 0 {
				written = flood(b, k.Addr, rate, halt)
			}
			<-time.After(500 * time.Millisecond)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			begun, w0, d0 := time.Now(), written.Load(), detections.Load()
			var took []time.Duration
			for b.Loop() {
				<-time.After(2 * time.Millisecond)
				sent := time.Now()
				c.Publish("fire/emergency", 1, false, "stop")
				took = append(took, (<-stops).Sub(sent))
			}
			passed := time.Since(begun).Seconds()
			w, d := written.Load()-w0, detections.Load()-d0
			runtime.GC()
			runtime.ReadMemStats(&after)
			close(halt)
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
			b.ReportMetric(float64(d)/passed, "detections/s")
			b.ReportMetric(float64(w-d), "missing")
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024, "heap-growth-KiB")
		})
	}
}
