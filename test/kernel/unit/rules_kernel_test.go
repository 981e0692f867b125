//go:build kernel

package unit

import (
	"os"
	"os/user"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule is one of the package's udev rules. The words that it may use are those below: nobody else reads
// them here, for the guest has no udevd.
type rule struct {
	kernel, subsystem, group string
	mode                     os.FileMode
}

// rules reads the rules' file as udev does, and fails at a word that it does not know.
func rules(t *testing.T, file string) (all []rule) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`^([A-Z]+)(==|=)"([^"]*)"$`)
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var r rule
		for _, w := range strings.Split(line, ", ") {
			m := word.FindStringSubmatch(w)
			if m == nil {
				t.Fatalf("%s: %s is no word of a rule", file, w)
			}
			switch m[1] + m[2] {
			case "KERNEL==":
				r.kernel = m[3]
			case "SUBSYSTEM==":
				r.subsystem = m[3]
			case "GROUP=":
				r.group = m[3]
			case "MODE=":
				mode, err := strconv.ParseUint(m[3], 8, 9)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				r.mode = os.FileMode(mode)
			default:
				t.Fatalf("%s: %s%s is not known here", file, m[1], m[2])
			}
		}
		all = append(all, r)
	}
	return all
}

// device is a character device as the kernel announces it.
type device struct{ kernel, subsystem, node string }

func devices(t *testing.T) (all []device) {
	t.Helper()
	folders, _ := filepath.Glob("/sys/dev/char/*")
	for _, folder := range folders {
		real, err := filepath.EvalSymlinks(folder)
		if err != nil {
			continue
		}
		subsystem, _ := filepath.EvalSymlinks(real + "/subsystem")
		text, _ := os.ReadFile(real + "/uevent")
		_, name, _ := strings.Cut(string(text), "DEVNAME=")
		name, _, _ = strings.Cut(name, "\n")
		all = append(all, device{filepath.Base(real), filepath.Base(subsystem), "/dev/" + name})
	}
	return all
}

func (r rule) matches(d device) bool {
	named, _ := path.Match(r.kernel, d.kernel)
	return named && slices.Contains(strings.Split(r.subsystem, "|"), d.subsystem)
}

// plug does to every device what the rules say, and returns the nodes that it did something to.
func plug(t *testing.T, all []rule) (nodes []string) {
	t.Helper()
	for _, d := range devices(t) {
		for _, r := range all {
			if !r.matches(d) {
				continue
			}
			group, err := user.LookupGroup(r.group)
			if err != nil {
				t.Fatal(err)
			}
			id, _ := strconv.Atoi(group.Gid)
			if err := os.Chown(d.node, -1, id); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(d.node, r.mode); err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, d.node)
		}
	}
	slices.Sort(nodes)
	return nodes
}
