package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/gpiocdev"
)

// lookout looks at lines without touching one that somebody relies on. The functions are the world;
// tests have one of their own.
type lookout struct {
	config  configured
	find    func(chip string) (gpiocdev.Chip, error)
	inspect func(gpiocdev.Chip) ([]gpiocdev.Line, error)
	peek    func(gpiocdev.Chip, []int) ([]bool, error)
	program func(dir string) program
}

func newLookout(c configured) lookout {
	return lookout{c, gpiocdev.Find, gpiocdev.Inspect, gpiocdev.Peek, askProgram}
}

// now is the view of this instant. The error is that there is nothing to look at.
func (l lookout) now() (lineView, error) {
	p := l.program(l.config.Journal.Dir)
	v := lineView{Board: boardSimulator, Simulated: l.config.GPIO.Board != boardReal, Program: p.sentence(),
		Running: p.pid != 0}
	if p.wires != nil {
		v.Pump = p.wires.State.String()
	}
	wishes, notFitted := wished(l.config.GPIO.Wiring())
	v.NotFitted = notFitted
	if v.Simulated {
		if w := l.config.warning(); w != "" {
			v.Notes = append(v.Notes, w)
		}
		v.Functions = l.simulated(wishes, p)
	} else {
		chip, err := l.find(l.config.GPIO.Chip)
		if err != nil {
			return v, err
		}
		lines, err := l.inspect(chip)
		if err != nil {
			return v, err
		}
		v.Board, v.Device, v.Lines = chip.String(), chip.Path, chip.Lines
		v.Functions = l.real(wishes, lines, chip, p)
	}
	v.Notes = append(v.Notes, disagreement(v, p)...)
	return v, nil
}

// disagreement says where the program that runs and the configuration looked at are not of one mind.
func disagreement(v lineView, p program) []string {
	if p.wires == nil || p.wires.Board == v.Board {
		return nil
	}
	return []string{fmt.Sprintf("wildfire-watch runs on %s, not on %s: it was started with another "+
		"configuration, or could not have these lines", p.wires.Board, v.Board)}
}

// simulated lists lines that exist in the program's memory alone.
func (l lookout) simulated(wishes []lineWish, p program) []lineState {
	all := make([]lineState, len(wishes))
	for i, w := range wishes {
		s := w.state
		s.Direction = direction(s.Kind == kindOutput)
		if p.wires != nil && p.wires.Simulation {
			s.HeldBy = gpiocdev.Consumer
			p.tell(&s)
		}
		all[i] = s
	}
	return all
}

func direction(output bool) string {
	if output {
		return "out"
	}
	return "in"
}

// real lists lines of a chip.
func (l lookout) real(wishes []lineWish, lines []gpiocdev.Line, chip gpiocdev.Chip, p program) []lineState {
	all := make([]lineState, len(wishes))
	owner := map[int]string{}
	var free []int
	for i, w := range wishes {
		s := w.state
		line, problem := locate(w, lines, chip)
		if problem != "" {
			s.Line, s.Problem = -1, problem
			all[i] = s
			continue
		}
		s.Line, s.Name = line.Number, line.Name
		s.Direction = direction(line.Output)
		if line.Used {
			s.HeldBy = or(line.Consumer, "the kernel")
		}
		l.judge(&s, line, p)
		if first, twice := owner[s.Line]; twice {
			s.Problem = fmt.Sprintf("line %d is that of %s already", s.Line, first)
		}
		owner[s.Line] = s.Function
		if !line.Used && !line.Output && !slices.Contains(free, s.Line) {
			free = append(free, s.Line)
		}
		all[i] = s
	}
	l.readFree(all, free, chip, p)
	return all
}

// readFree takes the levels of free inputs. A line that was taken a moment ago is not worth a word:
// the next look tells more. While a program runs that takes its lines, nobody gets in its way.
func (l lookout) readFree(all []lineState, free []int, chip gpiocdev.Chip, p program) {
	if p.starting() {
		return
	}
	levels, err := l.peek(chip, free)
	if err != nil {
		return
	}
	for i := range all {
		if at := slices.Index(free, all[i].Line); at >= 0 {
			all[i].show(levels[at] != all[i].ActiveLow)
		}
	}
}

// locate finds the line of a function on the chip, or says why there is none.
func locate(w lineWish, lines []gpiocdev.Line, chip gpiocdev.Chip) (gpiocdev.Line, string) {
	if w.name == "" {
		if w.state.Line < len(lines) {
			return lines[w.state.Line], ""
		}
		return gpiocdev.Line{}, fmt.Sprintf("there is no line %d: %s has 0 to %d", w.state.Line, chip, len(lines)-1)
	}
	var found []string
	var line gpiocdev.Line
	for _, l := range lines {
		if l.Name == w.name {
			line = l
			found = append(found, strconv.Itoa(l.Number))
		}
	}
	switch len(found) {
	case 1:
		return line, ""
	case 0:
		return line, fmt.Sprintf("no line of %s has the name %q", chip, w.name)
	}
	return line, fmt.Sprintf("lines %s of %s all have the name %q: choose one by its number",
		strings.Join(found, ", "), chip, w.name)
}

// judge says of a held line what it is at, and what is wrong with who holds it or how.
func (l lookout) judge(s *lineState, line gpiocdev.Line, p program) {
	real := p.wires != nil && !p.wires.Simulation
	switch {
	case !line.Used:
		if real {
			s.Problem = "nobody holds the line, though wildfire-watch runs: it was started with another configuration"
		}
	case !strings.HasPrefix(line.Consumer, gpiocdev.Consumer):
		s.Problem = fmt.Sprintf("line %d is held by %s: end that program, or set gpio.%s to another line",
			s.Line, quoted(line.Consumer), s.Function)
		if line.Consumer == "" || line.Consumer == "kernel" {
			s.Problem = fmt.Sprintf("line %d is kept by the kernel for a bus or a driver: free it in the device "+
				"tree or the boot settings, or set gpio.%s to another line", s.Line, s.Function)
		}
	case line.Output != (s.Kind == kindOutput), line.ActiveLow != s.ActiveLow,
		hardware.BiasNames[line.Bias] != s.Bias:
		s.Problem = fmt.Sprintf("it is held as %s, active %s, bias %s: wildfire-watch was started with "+
			"another configuration", direction(line.Output), [2]string{"high", "low"}[bit(line.ActiveLow)],
			hardware.BiasNames[line.Bias])
	case real:
		p.tell(s)
	}
}

func quoted(consumer string) string { return strconv.Quote(consumer) }
