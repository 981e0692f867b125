package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"wildfire-watch/web"
)

// program is the wildfire-watch that runs on a journal's folder, as seen from outside.
type program struct {
	pid int // 0: none runs
	// wires is what it says of its lines; nil if it says nothing, and trouble why.
	wires   *web.Wires
	trouble string
}

// askTime is the patience with a status page on this machine.
const askTime = 500 * time.Millisecond

// askProgram looks for run.json and asks the page that it names.
func askProgram(dir string) program {
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return program{}
	}
	if err != nil {
		return program{trouble: fmt.Sprintf("whether wildfire-watch runs is not known (%v): look as root, or as "+
			"the user that it runs as", err)}
	}
	var at addresses
	if err := json.Unmarshal(text, &at); err != nil || at.PID <= 0 {
		return program{trouble: fmt.Sprintf("whether wildfire-watch runs is not known: %s is not readable as JSON",
			filepath.Join(dir, "run.json"))}
	}
	if err := syscall.Kill(at.PID, 0); errors.Is(err, syscall.ESRCH) {
		return program{} // it died and left the file
	}
	p := program{pid: at.PID}
	if at.HTTP == "" {
		p.trouble = "its status page is off (http.listen), so that the levels of its lines are not known here"
		return p
	}
	wires, err := askWires(at.HTTP)
	if err != nil {
		p.trouble = fmt.Sprintf("it does not tell the levels of its lines: %v", err)
		return p
	}
	p.wires = wires
	return p
}

func askWires(page string) (*web.Wires, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	url := strings.TrimSuffix(page, "/") + "/api/lines"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, response.Status)
	}
	const most = 64 << 10
	var w web.Wires
	if err := json.NewDecoder(io.LimitReader(response.Body, most)).Decode(&w); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return &w, nil
}

// sentence says for a person whether the program runs.
func (p program) sentence() string {
	switch {
	case p.pid == 0 && p.trouble == "":
		return "wildfire-watch does not run."
	case p.pid == 0:
		return p.trouble
	case p.wires == nil:
		return fmt.Sprintf("wildfire-watch runs (process %d); %s", p.pid, p.trouble)
	case !p.wires.Available:
		return fmt.Sprintf("wildfire-watch runs (process %d), pump %s, but its board does not answer", p.pid,
			p.wires.State)
	}
	return fmt.Sprintf("wildfire-watch runs (process %d), pump %s.", p.pid, p.wires.State)
}

// starting says that it runs and has not said yet what it holds: its lines may be free, but not for
// long.
func (p program) starting() bool { return p.pid != 0 && p.wires == nil }

// tell fills in the level of a line that the program holds, and what is wrong with it.
func (p program) tell(s *lineState) {
	output := strings.TrimSuffix(s.Function, "_feedback")
	o, isOutput := p.wires.Outputs[output]
	switch {
	case s.Kind == kindInput:
		switch p.wires.Inputs[s.Function] {
		case "active", "inactive":
			s.show(p.wires.Inputs[s.Function] == "active")
		case "unknown":
			s.Problem = "it cannot be read"
		default:
			s.Problem = "wildfire-watch runs without it: it was started with another configuration"
		}
	case !isOutput:
	case s.Kind == kindFeedback:
		s.show(o.Read)
		if o.Failed {
			s.Problem = fmt.Sprintf("%s is commanded %s, and this keeps reading %s", output, onOff(o.Commanded),
				onOff(o.Read))
		}
	case s.fed:
		s.show(o.Commanded)
	default:
		s.show(o.Read)
		if o.Failed {
			s.Problem = fmt.Sprintf("commanded %s, and it keeps reading %s", onOff(o.Commanded), onOff(o.Read))
		}
	}
}

func onOff(on bool) string { return [2]string{"off", "on"}[bit(on)] }
