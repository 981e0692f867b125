package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wildfire-watch/actors/system"
	"wildfire-watch/protocol"
)

// printed are the parts of documents that the code prints, by the name in their markers:
//
//	<!-- begin:reference -->
//	…
//	<!-- end:reference -->
//
// go test ./test -run Documents -rewrite writes them anew.
var printed = map[string]func() (string, error){
	"reference": func() (string, error) { return system.Reference(defaults()) },
	"wiring":    func() (string, error) { return system.Wiring(defaults()) },
	"header":    func() (string, error) { return header(defaults()) },
	"topics":    func() (string, error) { return protocol.TopicTable(), nil },
	"alarms":    func() (string, error) { return protocol.AlarmTable(), nil },
	"events":    func() (string, error) { return protocol.EventTable(), nil },
}

// elsewhere are parts that only another suite can print; here they must merely be there.
var elsewhere = map[string]string{"recordings": "make recordings"}

// documents holds what must be printed where; a marker that is missing is a mistake too.
var documents = map[string][]string{
	"README.md":             {"diagram", "states", "topics", "wiring", "recordings"},
	"docs/configuration.md": {"reference"},
	"docs/wiring.md":        {"wiring", "header"},
	"docs/alarms.md":        {"alarms"},
	"docs/events.md":        {"events"},
}

func defaults() []byte {
	text, err := os.ReadFile(filepath.Join("..", "config.toml"))
	if err != nil {
		panic(err)
	}
	return text
}

var marker = regexp.MustCompile(`(?s)<!-- begin:([a-z-]+) -->\n(.*?)<!-- end:([a-z-]+) -->`)

func TestDocumentsSayWhatTheCodeSays(t *testing.T) {
	for _, name := range house(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		path := filepath.Join("..", name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		now := marker.ReplaceAllStringFunc(string(text), func(part string) string {
			m := marker.FindStringSubmatch(part)
			found = append(found, m[1])
			made := printed[m[1]]
			if made == nil && elsewhere[m[1]] != "" && m[1] == m[3] {
				return part
			}
			if made == nil || m[1] != m[3] {
				t.Errorf("%s: nothing is printed between begin:%s and end:%s", name, m[1], m[3])
				return part
			}
			said, err := made()
			if err != nil {
				t.Errorf("%s: print %s: %v", name, m[1], err)
				return part
			}
			return fmt.Sprintf("<!-- begin:%s -->\n\n%s\n\n<!-- end:%s -->", m[1], strings.TrimSpace(said), m[1])
		})
		for _, wanted := range documents[name] {
			if !slices.Contains(found, wanted) {
				t.Errorf("%s: no part between begin:%s and end:%s", name, wanted, wanted)
			}
		}
		if now == string(text) {
			continue
		}
		if !*rewrite {
			t.Errorf("%s is not what the code prints: go test ./test -run Documents -rewrite, then read the diff", name)
		} else if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDocumentsExist(t *testing.T) {
	files := house(t)
	for _, name := range []string{"README.md", "CHANGELOG.md", "LICENSE", "Makefile", ".ci/run", "config.toml",
		"docs/architecture.md", "docs/configuration.md"} {
		if !slices.Contains(files, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestDocumentsLinkToWhatExists(t *testing.T) {
	for _, name := range house(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
}
