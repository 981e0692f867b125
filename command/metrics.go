package command

import (
	"wildfire-watch/actors/system"
	"wildfire-watch/web/metrics"
)

// metered is a running house as /metrics asks it.
type metered struct{ *system.System }

// Mailboxes are every living actor's.
func (m metered) Mailboxes() []metrics.Mailbox {
	figures := m.Figures()
	all := make([]metrics.Mailbox, 0, len(figures))
	for _, f := range figures {
		all = append(all, metrics.Mailbox{Name: f.Name, Kind: f.Kind, Depth: f.Depth, HighWater: f.HighWater,
			Received: f.Received, Dropped: f.Dropped, Late: f.Late, Slowest: f.Slowest, Oldest: f.Oldest, Waited: f.Waited})
	}
	return all
}

// Outbox is the bridge's.
func (m metered) Outbox() metrics.Outbox {
	waiting, dropped, missed := m.Queue()
	return metrics.Outbox{Waiting: waiting, Dropped: dropped, Missed: missed}
}

var _ metrics.Source = metered{}
