package gpio

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Line is a line of the chip as the configuration names it: by its number, or by the name that the
// chip has for it. The zero value is line 0; At(-1) is none.
type Line struct {
	// Number is -1 where no line is fitted. Of a line that has a name it says no more than that it
	// is fitted, unless the name is GPIO<n>: then it is n.
	Number int
	Name   string
}

// At is the line of that number.
func At(number int) Line { return Line{Number: number} }

// Fitted says whether there is a line.
func (l Line) Fitted() bool { return l.Number >= 0 }

// String is the line as it would be configured.
func (l Line) String() string {
	if l.Name != "" {
		return strconv.Quote(l.Name)
	}
	return strconv.Itoa(l.Number)
}

// highest is the last number that a line may have; chips with more lines are not known.
const highest = 1023

// longestName is what the kernel keeps of a name.
const longestName = 31

// Wanted says what a line is configured as.
func (Line) Wanted() string {
	return fmt.Sprintf("a line: its number, 0 to %d, or its name in quotes; -1 is none", highest)
}

var errLine = errors.New("no number and no name of a line")

// numbered are the names that Raspberry Pis have for their lines.
var numbered = regexp.MustCompile(`^GPIO([0-9]{1,2})$`)

// UnmarshalText reads a number or a name.
func (l *Line) UnmarshalText(text []byte) error {
	s := string(text)
	n, err := strconv.ParseInt(s, 0, 0)
	switch {
	case err == nil && -1 <= n && n <= highest:
		*l = At(int(n))
	case err == nil, errors.Is(err, strconv.ErrRange), s == "", len(s) > longestName:
		return errLine
	default:
		*l = Line{Name: s}
		if m := numbered.FindStringSubmatch(s); m != nil {
			l.Number, _ = strconv.Atoi(m[1])
		}
	}
	return nil
}
