// Package metrics answers /metrics: what the house knows of itself, in the words of Prometheus.
//
// It promises names and units by Prometheus' own guidelines (promtool finds nothing to say), and that the
// number of series is bounded whatever arrives: labels come from tables of ours, or are the first so many
// names and "other" for the rest. A scrape asks nobody: it reads the newest overview and counters that
// are there already, so that it never waits for an actor and no actor for it.
//
// It must never hold a secret, decide anything, or use the library's default registry, where anybody's
// figures may stand.
package metrics

import (
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wildfire-watch/protocol"
)

// Source is whom a scrape asks. It answers at once, from any goroutine.
type Source interface {
	// Overview is the newest; ok is false before the first. It is not changed any more.
	Overview() (overview protocol.Overview, ok bool)
	// Mailboxes are the figures of every living actor.
	Mailboxes() []Mailbox
	// Outbox is what waits for the broker.
	Outbox() Outbox
}

// Outbox is what waits for the broker and what was lost on the way since the start.
type Outbox struct {
	Waiting int    // events that wait
	Dropped uint64 // events dropped for want of room
	Missed  uint64 // other messages not sent, because the broker was away
}

const (
	// atOnce bounds the scrapes under way: somebody who asks without end gets 503.
	atOnce = 3
	// within bounds one scrape.
	within = 5 * time.Second
)

// Handler answers a scrape. The tally is fed by whoever sees every message; version is the program's.
func Handler(source Source, tally *Tally, version string) http.Handler {
	return promhttp.HandlerFor(Registry(source, tally, version), promhttp.HandlerOpts{
		MaxRequestsInFlight: atOnce, Timeout: within, ErrorHandling: promhttp.ContinueOnError})
}

// Registry is a registry of its own with everything that Handler shows.
func Registry(source Source, tally *Tally, version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{source: source, tally: tally, version: version, descs: describe()})
	return r
}

// collector turns what the source says into metrics, family by family.
type collector struct {
	source  Source
	tally   *Tally
	version string
	descs   []*prometheus.Desc // of families
	kinds   kinds
}

// view is what one scrape looks at.
type view struct {
	protocol.Overview
	known   bool // there is an overview
	tally   counts
	outbox  Outbox
	kinds   []kindFigures
	version string
}

// family is one metric: its name without the prefix, and what a scrape says of it.
type family struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	// always: it is told before the first overview too.
	always bool
	tell   func(v *view, say func(value float64, labels ...string))
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
	prefix  = "wildfire_"
)

func describe() []*prometheus.Desc {
	all := make([]*prometheus.Desc, len(families))
	for i, f := range families {
		all[i] = prometheus.NewDesc(prefix+f.name, f.help, f.labels, nil)
	}
	return all
}

// Describe is part of prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect is part of prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	v := view{tally: c.tally.counts(), outbox: c.source.Outbox(), version: c.version,
		kinds: c.kinds.sum(c.source.Mailboxes())}
	v.Overview, v.known = c.source.Overview()
	for i, f := range families {
		if !v.known && !f.always {
			continue
		}
		f.tell(&v, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(c.descs[i], f.kind, value, labels...)
		})
	}
}

// maxLabel bounds a label's value, in bytes.
const maxLabel = 100

// label makes any text fit for a label's value.
func label(s string) string {
	if len(s) > maxLabel {
		s = s[:maxLabel]
	}
	return strings.ToValidUTF8(s, "")
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

var goVersion = runtime.Version()
