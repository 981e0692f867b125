package journal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files beside the journal in which others say how the last process ended. They are read and
// removed at the next start.
const (
	guardName = "guard.json" // by the guard, of what it did
	endName   = "end.json"   // by `wildfire-watch safe`, of what systemd told it
	mostEnd   = 64 << 10     // longer ones are not theirs
)

// End is how systemd says that the process ended: $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS of
// ExecStopPost. Result "success" is an orderly stop and needs no words.
type End struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"`
	Code   string    `json:"code"`
	Status string    `json:"status"`
}

// WriteEnd keeps an end for the next start to tell. The first one after a start stays: a later
// process that never came so far as to open the journal has not ended the run.
func WriteEnd(dir string, e End) error {
	if e.Result == "" || e.Result == "success" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, endName)); err == nil {
		return nil
	}
	return writeWhole(dir, endName, e)
}

// guardEnd is what the guard's record says, as far as it is told here.
type guardEnd struct {
	Cause    string `json:"cause"`
	Tripping string `json:"tripping"` // the cause of a trip that the process had begun
	Full     bool   `json:"full"`     // the guard gave the full stop pulse
}

// ends is what others wrote of the last process's end; zero: nothing.
type ends struct {
	guard guardEnd
	end   End
}

// takeEnds reads and removes what others wrote. What cannot be read is as if not written: it costs
// a word of explanation.
func takeEnds(dir string) (e ends) {
	take(filepath.Join(dir, guardName), &e.guard)
	take(filepath.Join(dir, endName), &e.end)
	return e
}

func take(path string, into any) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	raw, err := io.ReadAll(io.LimitReader(f, mostEnd))
	f.Close()
	if err == nil {
		_ = json.Unmarshal(raw, into)
	}
	os.Remove(path)
}

// causeOf says why the last process stopped. What the process itself has stored wins: it was there.
// Then what killed it, as the guard or systemd saw it; and where nobody saw anything, whether the
// kernel has been started anew since.
func causeOf(was life, bootID string, e ends) string {
	switch seen := e.words(); {
	case was.Stop != "":
		return was.Stop + e.unstopped()
	case seen != "":
		return seen + e.unstopped()
	case was.Boot == "" || bootID == "":
		return "power or crash"
	case was.Boot != bootID:
		return "reboot or power cut"
	}
	return "crash"
}

// unstopped says that a guard acted and could not stop the engine as it should.
func (e ends) unstopped() string {
	if e.guard.Cause == "" || e.guard.Full {
		return ""
	}
	return "; its guard could not give the full stop pulse"
}

// words is what was seen of the end; empty: nobody saw it.
func (e ends) words() string {
	switch {
	case e.guard.Tripping != "": // and could not store it
		return e.guard.Tripping
	case e.guard.Cause == "hung": // systemd saw only that somebody killed it
		return "hung: the guard killed it"
	}
	switch e.end.Result {
	case "watchdog":
		return "hung: systemd's watchdog killed it"
	case "oom-kill":
		return "crash: killed for want of memory"
	case "timeout":
		return "systemd's time for a start or a stop was over"
	case "signal", "core-dump":
		return "crash: killed by SIG" + strings.TrimPrefix(e.end.Status, "SIG")
	case "exit-code":
		return "crash: exit code " + e.end.Status
	}
	switch e.guard.Cause {
	case "":
		return ""
	case "died":
		return "crash"
	}
	return fmt.Sprintf("crash: %s", e.guard.Cause)
}
