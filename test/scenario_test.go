package test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the traces and documents anew instead of comparing")

// traceMark parts a scenario's script from the trace that it must give.
const traceMark = "--- trace"

// TestScenarios runs every script of test/scenarios over the whole system in virtual time and holds
// its trace against the one in the file. After a wanted change of behaviour: go test ./test -run
// Scenarios -rewrite, then read the diff.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script, want, _ := strings.Cut(string(text), traceMark+"\n")
			got := runScript(t, file, script)
			if *rewrite && !t.Failed() {
				if err := os.WriteFile(file, []byte(script+traceMark+"\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("%s: the trace differs:\n%s", file, firstDifference(want, got))
			}
		})
	}
}

// runScript runs the script once, or once for each word of its `each` line.
func runScript(t *testing.T, file, script string) (trace string) {
	states := []string{""}
	for line := range strings.Lines(script) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "each "); ok {
			states = strings.Fields(rest)
		}
	}
	for _, state := range states {
		name := state
		if name == "" {
			name = "run"
		} else {
			trace += "== " + state + "\n"
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := newScene(t, dir, state)
				defer w.end()
				w.play(file, script)
				trace += w.traceText()
			})
		})
	}
	return trace
}

// play runs the commands one by one; a failure names file and line.
func (w *scene) play(file, script string) {
	in := bufio.NewScanner(strings.NewReader(script))
	for number := 1; in.Scan(); number++ {
		line, _, _ := strings.Cut(in.Text(), "#")
		words := strings.Fields(strings.ReplaceAll(line, "$STATE", w.state))
		if len(words) == 0 || words[0] == "each" {
			continue
		}
		do, ok := commands[words[0]]
		if !ok {
			w.t.Fatalf("%s:%d: no such command: %s", file, number, words[0])
		}
		if err := do(w, words[1:]); err != nil {
			w.t.Fatalf("%s:%d: %s: %v\n%s", file, number, strings.TrimSpace(line), err, w.traceText())
		}
	}
}

// firstDifference shows the first lines in which two traces part.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			before := strings.Join(a[max(0, i-3):min(i, len(a))], "\n")
			return fmt.Sprintf("%s\nline %d\n  want %s\n  got  %s", before, i+1, x, y)
		}
	}
	return "(none)"
}

// clock is the bubble's clock with a wall clock that can be pushed and a kernel that can be booted.
type clock struct {
	step   atomic.Int64 // nanoseconds
	boot   time.Time
	bootID string
}

func (c *clock) Now() time.Time           { return time.Now() }
func (c *clock) Wall() time.Time          { return time.Now().Add(time.Duration(c.step.Load())).Round(0) }
func (c *clock) SinceBoot() time.Duration { return time.Since(c.boot) + time.Minute }
func (c *clock) BootID() string           { return c.bootID }
