package test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unread is a pipe that nobody reads, and full already.
func unread(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	_ = syscall.SetNonblock(ends[1], true)
	for block := make([]byte, 4096); ; {
		if _, err := syscall.Write(ends[1], block); err != nil {
			break // EAGAIN: one more byte and a writer waits for ever
		}
	}
	_ = syscall.SetNonblock(ends[1], false)
	reader, writer = os.NewFile(uintptr(ends[0]), "unread"), os.NewFile(uintptr(ends[1]), "stderr")
	t.Cleanup(func() { _, _ = reader.Close(), writer.Close() })
	return reader, writer
}

// engineRunning brings a program whose standard error is w to an engine that runs.
func engineRunning(t *testing.T, w *os.File) (*process, *listener) {
	t.Helper()
	p := startWriting(t, t.TempDir(), w, append(slices.Clone(guardSets), "log.level=debug",
		"pump.fire_off_delay=60s", "pump.max_engine_runtime=60s")...)
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	p.eventually("a guard", func() bool { return p.guard() != 0 })
	l.publish("fire/trigger", 2, `{"action":"trigger"}`)
	p.eventually("the engine", func() bool { return p.level("ignition_on") == 1 })
	return p, l
}

// TestALogThatNobodyReadsKeepsNoStopWaiting: standard error is a pipe that is full. The pump runs, an
// emergency stop under a flood of detections is on the lines at once, and the process ends in time.
func TestALogThatNobodyReadsKeepsNoStopWaiting(t *testing.T) {
	t.Parallel()
	_, w := unread(t)
	p, l := engineRunning(t, w)
	for i := range 3000 { // words for more than 64 KiB, half of them of what is wrong
		l.publish("fire/detection/flood", 0, fmt.Sprintf(`{"confidence":%d,"bbox":[0,0,1,1],"label":"fire"}`, i))
		if i%2 == 0 {
			l.publish("fire/emergency", 0, fmt.Sprintf(`"nonsense %d"`, i))
		}
	}
	begun := time.Now()
	l.publish("fire/emergency", 1, `stop`)
	p.eventually("the stop", func() bool { return p.level("ignition_on") == 0 && p.level("ignition_off") == 1 })
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if code, took := p.stop(); code != 0 || took > guardPulse+2*time.Second {
		t.Errorf("SIGTERM: exit code %d after %v", code, took)
	}
}

// TestAGuardWhoseWordsNobodyReadsStopsTheEngine: the same pipe, and the program is killed.
func TestAGuardWhoseWordsNobodyReadsStopsTheEngine(t *testing.T) {
	t.Parallel()
	_, w := unread(t)
	p, _ := engineRunning(t, w)
	p.kill()
	p.eventually("the stop pulse", func() bool { return p.level("ignition_off") == 1 && p.level("ignition_on") == 0 })
	p.eventually("all off", func() bool { return p.level("ignition_off") == 0 && p.level("main_valve") == 0 })
}

// TestAProgramWhoseLogReaderIsGoneLivesOn: who reads the log may end; the pump does not end with it.
func TestAProgramWhoseLogReaderIsGoneLivesOn(t *testing.T) {
	t.Parallel()
	r, w := unread(t)
	p, l := engineRunning(t, w)
	_ = r.Close()
	for i := range 100 {
		l.publish("fire/emergency", 0, fmt.Sprintf(`"nonsense %d"`, i))
	}
	l.publish("fire/emergency", 1, `stop`)
	p.eventually("the stop", func() bool { return p.level("ignition_off") == 1 })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestASecondProgramOnOneJournalTouchesNoLine: it says what is wrong and ends; the lines of the first
// stay as they are.
func TestASecondProgramOnOneJournalTouchesNoLine(t *testing.T) {
	t.Parallel()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p, _ := engineRunning(t, log)
	before := len(p.lines())
	second := exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another wildfire-watch is using it") {
		t.Errorf("the second one: %v\n%s", err, out)
	}
	for _, c := range p.lines()[before:] {
		if c.Name != "priming_valve" { // the first one's own sequence
			t.Errorf("the second one wrote a line: %v", c)
		}
	}
}
