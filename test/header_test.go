package test

import (
	"fmt"
	"strconv"
	"strings"

	"wildfire-watch/actors/system"
)

// pins are the 40-pin header of a Raspberry Pi, odd pins left, even pins right; a number is a BCM line.
var pins = [20][2]string{{"3V3", "5V"}, {"2", "5V"}, {"3", "GND"}, {"4", "14"}, {"GND", "15"},
	{"17", "18"}, {"27", "GND"}, {"22", "23"}, {"3V3", "24"}, {"10", "GND"}, {"9", "25"}, {"11", "8"},
	{"GND", "7"}, {"0", "1"}, {"5", "GND"}, {"6", "12"}, {"13", "GND"}, {"19", "16"}, {"26", "20"},
	{"GND", "21"}}

// header draws the header with the outputs of the wiring table on it, and how each line is pulled
// from power-on until somebody drives it: BCM 0 to 8 up, 9 to 27 down, on every Raspberry Pi.
func header(defaults []byte) (string, error) {
	table, err := system.Wiring(defaults)
	if err != nil {
		return "", err
	}
	function := make(map[string]string)
	for _, row := range strings.Split(table, "\n") {
		if cells := strings.Split(row, " | "); len(cells) > 3 && cells[3] != "–" {
			function[cells[2]] = strings.Trim(cells[0], "|` ")
		}
	}
	var b strings.Builder
	b.WriteString("```\n                     at power-on               at power-on\n")
	for i, row := range pins {
		left, right := drawn(row[0]), drawn(row[1])
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%15s  %s  %2d ● ● %-2d  %s  %s",
			function[row[0]], left, 2*i+1, 2*i+2, right, function[row[1]]), " "))
	}
	b.WriteString("```")
	return b.String(), nil
}

func drawn(pin string) string {
	line, err := strconv.Atoi(pin)
	if err != nil {
		return fmt.Sprintf("%-11s", pin)
	}
	pulled := "down"
	if line <= 8 {
		pulled = "up"
	}
	return fmt.Sprintf("%-6s %-4s", "BCM"+pin, pulled)
}
