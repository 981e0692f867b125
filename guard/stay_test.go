package guard

import (
	"os"
	"strings"
	"testing"
)

func TestWhatIsMappedFromAFileIsRead(t *testing.T) {
	for line, want := range map[string]bool{
		"00400000-00a1b000 r-xp 00000000 fe:01 1234   /usr/bin/wildfire-watch\n": true,
		"01500000-01560000 rw-p 01100000 fe:01 1234   /usr/bin/wildfire-watch\n": true,
		"c000000000-c000400000 rw-p 00000000 00:00 0 \n":                         false,
		"7ffd1000-7ffd3000 r-xp 00000000 00:00 0      [vdso]\n":                  false,
		"00400000-00a1b000 ---p 00000000 fe:01 1234   /usr/bin/wildfire-watch\n": false,
		"nonsense\n": false,
		"":           false,
	} {
		if _, _, ok := fileBacked(line); ok != want {
			t.Errorf("%q: %v", line, ok)
		}
	}
}

// Both ways work on this very program; what they are for, test/guard_test.go measures.
func TestTheWholeProgramCanBeBroughtIntoMemory(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for line := range strings.Lines(string(maps)) {
		if from, size, ok := fileBacked(line); ok {
			files++
			populate(from, size)
			touch(int64(from), int64(size))
		}
	}
	if files < 2 {
		t.Errorf("%d mapped files", files)
	}
}
