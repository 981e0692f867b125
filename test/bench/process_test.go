package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/test/gear"
)

// BenchmarkProcess builds the program as it is shipped and measures it from outside: the time from
// start to readiness (run.json written, system/gpio_trigger/lwt online), resident memory and
// processor time at rest. Promised: 300 ms, 40 MB, 0.5 % of a core.
func BenchmarkProcess(b *testing.B) {
	program := filepath.Join(b.TempDir(), "wildfire-watch")
	if err := gear.Build(program, "../..", ""); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	var rss, cpu float64
	const starts, rest = 10, 20 * time.Second
	for i := range starts {
		cmd, ready := launch(b, program)
		took = append(took, ready)
		if i == starts-1 {
			time.Sleep(2 * time.Second) // what start-up left behind is done
			before := processor(b, cmd.Process.Pid)
			time.Sleep(rest)
			cpu = float64(processor(b, cmd.Process.Pid)-before) / float64(rest) * 100
			rss = resident(b, cmd.Process.Pid)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	report(b, "ready", took)
	b.ReportMetric(rss, "resident-MB")
	b.ReportMetric(cpu, "cpu-percent-at-rest")
	b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
}

// launch starts the program in a folder of its own and returns when it is ready.
func launch(b *testing.B, program string) (*exec.Cmd, time.Duration) {
	dir := filepath.Join(b.TempDir(), "data")
	cmd := exec.Command(program, "run", "--set", "cameras.discovery=false", "--set", "journal.dir="+dir, "--set", "broker.listen=127.0.0.1:0", "--set", "http.listen=127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var run struct{ MQTT string }
	for {
		text, err := os.ReadFile(filepath.Join(dir, "run.json"))
		if err == nil && json.Unmarshal(text, &run) == nil {
			break
		}
		if time.Since(start) > 10*time.Second {
			b.Fatal("no run.json within 10 s")
		}
		time.Sleep(500 * time.Microsecond)
	}
	online := make(chan struct{}, 8)
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(run.MQTT).SetClientID("ready"))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		b.Fatal(token.Error())
	}
	defer client.Disconnect(10)
	client.Subscribe("system/gpio_trigger/lwt", 0, func(_ mqtt.Client, m mqtt.Message) {
		if string(m.Payload()) == "online" {
			online <- struct{}{}
		}
	})
	select {
	case <-online:
	case <-time.After(10 * time.Second):
		b.Fatal("not online within 10 s")
	}
	return cmd, time.Since(start)
}

// processor is the processor time that a process has used.
func processor(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// resident is a process's resident memory in MB.
func resident(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kb), " kB"))
			return float64(n) * 1024 / 1e6
		}
	}
	return 0
}
