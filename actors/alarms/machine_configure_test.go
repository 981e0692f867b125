package alarms

import (
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestACameraIsAnAlarmAfterTheDelayThatIsConfigured(t *testing.T) {
	b := newBench()
	b.m.Expect([]string{"east"}, time.Minute, b.now)
	b.hears(protocol.CameraVerdict{Camera: "north"})
	patient := config
	patient.CameraOffline = 20 * time.Second
	b.hears(patient)
	b.waits(19 * time.Second)
	if b.told != 0 {
		t.Errorf("too early: %s", b.says())
	}
	b.waits(time.Second)
	if b.says() != "camera_offline/north!" {
		t.Errorf("by the new delay, from when it went: %s", b.says())
	}
	b.hears(protocol.CameraVerdict{Camera: "west"})
	b.hears(config)
	b.waits(5 * time.Second)
	if b.says() != "camera_offline/north! camera_offline/west" {
		t.Errorf("shortened while it is offline: %s", b.says())
	}
	b.waits(40 * time.Second)
	if b.says() != "camera_offline/north! camera_offline/west camera_offline/east" {
		t.Errorf("one that never came has its own time: %s", b.says())
	}
}

func TestDiskAndHeatAreJudgedByTheLimitsThatAreConfigured(t *testing.T) {
	b := newBench()
	b.hears(sample(95, 300<<20, 70, true))
	if b.told != 0 {
		t.Fatalf("by default: %s", b.says())
	}
	b.hears(Config{DiskFree: 400, Temperature: 60})
	b.hears(sample(95, 300<<20, 70, true))
	if b.says() != "disk_nearly_full! processor_hot" {
		t.Errorf("%s", b.says())
	}
	b.hears(sample(95, 499<<20, 55, true))
	if b.says() != "disk_nearly_full! processor_hot" {
		t.Errorf("it flaps: %s", b.says())
	}
	b.waits(time.Minute)
	b.hears(sample(95, 500<<20, 54, true))
	if b.says() != "" {
		t.Errorf("%s", b.says())
	}
}

func TestAnAcknowledgedAlarmThatStandsIsShownAsUnseenAgain(t *testing.T) {
	b := newBench()
	b.hears(fault("journal"))
	b.hears(fault("gpio"))
	b.hears(protocol.Acknowledge{Code: "journal", By: "page"})
	b.tells()
	b.waits(24*time.Hour - time.Second)
	if b.says() != "gpio journala!" && b.says() != "journal!a gpio" && b.says() != "gpio journal!a" {
		t.Fatalf("too early: %s", b.says())
	}
	b.waits(time.Second)
	if got := b.tells(); got != "raised journal" || b.says() != "gpio journal!" {
		t.Errorf("%s: %s", got, b.says())
	}
	b.waits(48 * time.Hour)
	if got := b.tells(); got != "" {
		t.Errorf("nobody has acknowledged it: %s", got)
	}
	never := config
	never.Remind = 0
	b.hears(protocol.Acknowledge{By: "page"})
	b.hears(never)
	b.tells()
	b.waits(1000 * time.Hour)
	if got := b.tells(); got != "" {
		t.Errorf("told without being wanted: %s", got)
	}
	b.hears(fault("gpio", true))
	b.hears(config)
	b.waits(0)
	if got := b.tells(); got != "cleared gpio, raised journal" {
		t.Errorf("wanted again: %s", got)
	}
}
