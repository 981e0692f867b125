package telemetry

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/sensors"

	"wildfire-watch/protocol"
)

// Sample is the machine's figures at one moment; a nil one could not be had.
type Sample struct {
	CPU         *float64  `json:"cpu_percent"`         // of all cores, since the last sample
	Memory      *float64  `json:"memory_percent"`      // used
	MemoryFree  *uint64   `json:"memory_available"`    // bytes
	Disk        *float64  `json:"disk_percent"`        // used, where the journal is
	DiskFree    *uint64   `json:"disk_available"`      // bytes
	Temperature *float64  `json:"temperature_celsius"` // of the processor
	Load        []float64 `json:"load"`                // 1, 5, 15 minutes
	ClockSynced *bool     `json:"clock_synced"`        // the kernel's word
}

// view is the sample for whoever watches over the machine.
func (s Sample) view() protocol.MachineView {
	return protocol.MachineView{CPU: s.CPU, Memory: s.Memory, Disk: s.Disk, DiskFree: s.DiskFree,
		Temperature: s.Temperature, ClockSynced: s.ClockSynced}
}

// sampleWithin bounds a sample; a disk that hangs must not pile up goroutines.
const sampleWithin = 5 * time.Second

// measure asks the machine. dir is a folder on the disk of interest; askKernel is as in Settings.
func measure(dir string, askKernel bool) func(ctx context.Context) Sample {
	return func(ctx context.Context) (s Sample) {
		if all, err := cpu.PercentWithContext(ctx, 0, false); err == nil && len(all) == 1 {
			s.CPU = &all[0]
		}
		if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
			s.Memory, s.MemoryFree = &m.UsedPercent, &m.Available
		}
		if d, err := disk.UsageWithContext(ctx, dir); err == nil {
			s.Disk, s.DiskFree = &d.UsedPercent, &d.Free
		}
		if l, err := load.AvgWithContext(ctx); err == nil {
			s.Load = []float64{l.Load1, l.Load5, l.Load15}
		}
		if all, _ := sensors.TemperaturesWithContext(ctx); len(all) > 0 {
			s.Temperature = processor(all)
		}
		s.ClockSynced = clockSynced(askKernel)
		return s
	}
}

// processor picks the processor's sensor by its usual names, else the hottest.
func processor(all []sensors.TemperatureStat) *float64 {
	var hottest, named *float64
	for i := range all {
		t, key := &all[i].Temperature, strings.ToLower(all[i].SensorKey)
		if hottest == nil || *t > *hottest {
			hottest = t
		}
		if (strings.Contains(key, "cpu") || strings.Contains(key, "core") ||
			strings.Contains(key, "soc")) && (named == nil || *t > *named) {
			named = t
		}
	}
	if named != nil {
		return named
	}
	return hottest
}

// system is the payload of system/telemetry.
type system struct {
	Host      string  `json:"host"`
	Instance  string  `json:"instance"`
	Timestamp float64 `json:"timestamp"`
	Uptime    float64 `json:"uptime"`
	Sample
}

func (s system) publication() (protocol.Publication, bool) {
	payload, err := json.Marshal(s)
	return protocol.Publication{Service: protocol.Telemetry, Topic: protocol.TopicSystemTelemetry,
		Payload: payload}, err == nil
}
