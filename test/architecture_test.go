// Package test holds what concerns the house as a whole: who may import whom, what documents say,
// scenarios over the whole system. It promises that a rule of the house which is written down here
// is kept; it is imported by nobody.
package test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "wildfire-watch"

// arrow says what the packages of a folder may import of ours. "X/*" is X and everything below it.
// The first arrow that fits a package is its own.
type arrow struct {
	from, to []string
	because  string
	inTests  []string // what tests of the folder may import besides
}

var arrows = []arrow{
	{from: []string{"", "command/*"}, to: []string{"command/*", "actors/*", "hardware/*", "protocol/*",
		"broker/*", "web/*", "watchdog", "guard", "network/*"}, because: "the command chooses the board and starts the system; replay runs the same machines"},
	{from: []string{"actors"}, to: []string{}, because: "the surface of protoactor-go knows nothing of fire or pump"},
	{from: []string{"actors/system"}, to: []string{"actors/*", "protocol/*", "web/*", "watchdog"},
		because: "the system wires actors; hardware reaches it as gpio.Board only"},
	{from: []string{"actors/gpio"}, to: []string{"actors", "protocol/*", "hardware/*"},
		because: "the gpio actor alone among the actors touches lines"},
	{from: []string{"actors/bridge"}, to: []string{"actors", "protocol/*"},
		because: "actors know messages, never one another", inTests: []string{"broker"}},
	{from: []string{"actors/frigate"}, to: []string{"actors", "protocol/*"},
		because: "actors know messages, never one another", inTests: []string{"test/frigatepeer"}},
	{from: []string{"actors/*"}, to: []string{"actors", "protocol/*"},
		because: "actors know messages, never one another: the routes decide who hears what"},
	{from: []string{"hardware"}, to: []string{}, because: "a board knows nothing of pumps"},
	{from: []string{"hardware/gpiocdev"}, to: []string{"hardware/*"}, because: "a board knows nothing of pumps",
		inTests: []string{"test/kernel/gpiosim"}},
	{from: []string{"hardware/*"}, to: []string{"hardware/*"}, because: "a board knows nothing of pumps",
		inTests: []string{"test/kernel/gpiosim"}},
	{from: []string{"protocol"}, to: []string{}, because: "messages are understood without reading anything else"},
	{from: []string{"protocol/*"}, to: []string{"protocol/*"}, because: "a codec does no I/O and knows no actor"},
	{from: []string{"network/*"}, to: []string{"network/*", "protocol/*"},
		because: "who goes out on the network reports what it met, and decides nothing"},
	{from: []string{"broker/*"}, to: []string{"protocol/*"}, because: "the embedded broker carries messages and reads none"},
	{from: []string{"web/*"}, to: []string{"protocol/*", "web/*"}, because: "the page shows what it is sent, and orders by message"},
	{from: []string{"guard"}, to: []string{"hardware", "protocol"}, inTests: []string{"hardware/*"},
		because: "the guard outlives the house: it knows a board and nothing else"},
	{from: []string{"watchdog"}, to: []string{"protocol"}, because: "a watchdog knows signs of life, not whose"},
	{from: []string{"test/*"}, to: []string{"*"}, because: "tests may see everything"},
}

// underTests is what tests of every folder may import.
const underTests = "test/gear"

// library is one dependency and who may import it.
type library struct {
	path string
	by   []string
	what string
}

// libraries says who alone may import a library, and why. One that is not listed may be imported by
// nobody: a dependency must save more lines than it costs to read.
var libraries = []library{
	{"github.com/asynkron/protoactor-go", []string{"actors"}, "its odd corners stay in one folder"},
	{"go.uber.org/zap", []string{"", "actors/*", "broker", "command/*", "web", "watchdog", "test/*"}, "the log"},
	{"github.com/coreos/go-systemd/v22", []string{"watchdog"}, "what systemd is told"},
	{"github.com/eclipse/paho.mqtt.golang", []string{"actors/bridge", "broker", "command/*", "test/*"}, "MQTT in and out"},
	{"github.com/mochi-mqtt/server/v2", []string{"actors/bridge", "broker", "test/*"}, "the embedded broker"},
	{"go.etcd.io/bbolt", []string{"actors/journal"}, "the journal's file"},
	{"github.com/pelletier/go-toml/v2", []string{"actors/system"}, "config.toml"},
	{"github.com/shirou/gopsutil/v4", []string{"actors/telemetry"}, "system figures"},
	{"github.com/alecthomas/kong", []string{"", "command/*"}, "the command line"},
	{"github.com/warthog618/go-gpiocdev", []string{"hardware/gpiocdev", "test/kernel/*"}, "the lines of the kernel"},
	{"github.com/google/gopacket", []string{"protocol/arp"}, "Ethernet and ARP, byte by byte"},
	{"github.com/vishvananda/netlink", []string{"network/*"}, "the kernel's neighbour table"},
	{"github.com/bluenviron/mediacommon/v2", []string{"protocol/rtsp", "network/*"}, "the size of a picture, from its parameter sets"},
	{"github.com/prometheus/client_golang", []string{"web/metrics"}, "/metrics"},
	{"golang.org/x/net/dns/dnsmessage", []string{"protocol/mdns"}, "DNS, byte by byte"},
	{"golang.org/x/net", []string{"network/*"}, "multicast by interface"},
	{"golang.org/x/crypto", []string{"protocol/password", "web/*"}, "argon2id and bcrypt"},
	{"go.yaml.in/yaml/v3", []string{"protocol/*", "command", "test/*"}, "what Frigate reads"},
	{"golang.org/x/sys", []string{"guard", "network/*", "actors", "actors/journal", "hardware/*", "command/*", "watchdog", "test/*"}, "the kernel"},
	{"github.com/chromedp/chromedp", []string{"test/browser"}, "tests alone: a real Chromium"},
	{"github.com/chromedp/cdproto", []string{"test/browser"}, "tests alone: a real Chromium"},
	{"pgregory.net/rapid", []string{"*"}, "tests alone"},
	{"go.uber.org/goleak", []string{"*"}, "tests alone"},
}

// testsAlone are libraries that never reach the binary.
var testsAlone = []string{"github.com/chromedp/chromedp", "github.com/chromedp/cdproto", "pgregory.net/rapid", "go.uber.org/goleak"}

// sourceFile is one Go file of the house.
type sourceFile struct {
	name   string // relative to the root
	folder string // "" is the root
	lines  int
	tree   *ast.File
	set    *token.FileSet
}

func (f sourceFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

func (f sourceFile) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", f.name, f.set.Position(p).Line)
}

func (f sourceFile) imports() (paths []string) {
	for _, i := range f.tree.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// house lists every file that belongs to the repository, relative to its root.
func house(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			hidden := strings.HasPrefix(base, ".") && base != ".." && base != ".ci" && base != ".github"
			if hidden || base == "build" || base == "wildfire-data" {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator))))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sources(t *testing.T) (all []sourceFile) {
	t.Helper()
	for _, name := range house(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parse(t, name, string(text)))
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files found: the tests look in the wrong place", len(all))
	}
	return all
}

func parse(t *testing.T, name, text string) sourceFile {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	folder := path.Dir(name)
	if folder == "." {
		folder = ""
	}
	return sourceFile{name: name, folder: folder, tree: tree, set: set, lines: strings.Count(text, "\n")}
}

// fits says whether a folder is one of those that the patterns name.
func fits(folder string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, all := strings.CutSuffix(p, "/*")
		return p == "*" || p == folder || all && (folder == below || strings.HasPrefix(folder, below+"/"))
	})
}

// rule is something that every file of the house keeps to. Each has a file that breaks it, so that a
// rule which no longer sees anything is noticed.
type rule struct {
	name   string
	check  func(files []sourceFile) (broken []string)
	breaks map[string]string // file name → text
}

var rules = []rule{
	{"folders import only along the arrows", checkArrows, map[string]string{
		"actors/pump/a.go":       `package pump; import _ "wildfire-watch/actors/gpio"`,
		"actors/pump/b.go":       `package pump; import _ "wildfire-watch/hardware"`,
		"actors/pump/c_test.go":  `package pump; import _ "wildfire-watch/hardware/simulator"`,
		"actors/system/d.go":     `package system; import _ "wildfire-watch/hardware"`,
		"actors/camera/e.go":     `package camera; import _ "wildfire-watch/actors/system"`,
		"hardware/f.go":          `package hardware; import _ "wildfire-watch/protocol"`,
		"protocol/frigate/g.go":  `package frigate; import _ "wildfire-watch/actors"`,
		"somewhere/else/h.go":    `package else_`,
		"actors/bridge/i.go":     `package bridge; import _ "wildfire-watch/broker"`,
		"command/j.go":           `package command; import _ "wildfire-watch/test"`,
		"hardware/gpiocdev/k.go": `package gpiocdev; import _ "wildfire-watch/protocol"`,
		"guard/l.go":             `package guard; import _ "wildfire-watch/test/gear"`,
	}},
	{"libraries stay where they belong", checkLibraries, map[string]string{
		"actors/pump/a.go":      `package pump; import _ "github.com/asynkron/protoactor-go/actor"`,
		"hardware/b.go":         `package hardware; import _ "golang.org/x/sys/unix"`,
		"actors/gpio/c.go":      `package gpio; import _ "pgregory.net/rapid"`,
		"actors/gpio/d.go":      `package gpio; import _ "github.com/some/thing"`,
		"actors/telemetry/e.go": `package telemetry; import _ "go.etcd.io/bbolt"`,
	}},
	{"what decides is pure", checkPure, map[string]string{
		"actors/pump/machine.go":          `package pump; import _ "os"`,
		"actors/pump/machine_rules.go":    `package pump; import _ "wildfire-watch/actors"`,
		"actors/gpio/machine.go":          `package gpio; import "time"; var x = time.Now()`,
		"actors/camera/machine.go":        `package camera; import "time"; func f() { time.AfterFunc(1, nil) }`,
		"actors/consensus/machine.go":     `package consensus; func f() { go f() }`,
		"actors/consensus/machine_two.go": `package consensus; import "fmt"; func f() { fmt.Println() }`,
	}},
	{"a codec touches no file and no socket", checkCodecs, map[string]string{
		"protocol/rtsp/a.go": `package rtsp; import _ "net"`,
		"protocol/b.go":      `package protocol; import _ "os/exec"`,
	}},
	{"files and functions fit one reading", checkSize, map[string]string{
		"actors/pump/a.go": "package pump\n" + strings.Repeat("\n", mostFileLines),
		"actors/pump/b.go": "package pump\nfunc f() {\n" + strings.Repeat("\n", mostFunctionLines) + "}\n",
	}},
	{"every package has one comment", checkComments, map[string]string{
		"actors/pump/a.go": "package pump\n",
	}},
	{"tests neither sleep nor skip", checkTests, map[string]string{
		"actors/pump/a_test.go": `package pump; import "time"; func f() { time.Sleep(1) }`,
		"actors/pump/b_test.go": `package pump; func f(t T) { t.Skip("later") }`,
		"actors/pump/c_test.go": `package pump; func f(t T) { t.SkipNow() }`,
	}},
}

func TestTheHouseKeepsItsRules(t *testing.T) {
	files := sources(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, b := range r.check(files) {
				t.Error(b)
			}
		})
	}
}

func TestEveryRuleOfTheHouseCanBeBroken(t *testing.T) {
	for _, r := range rules {
		for name, text := range r.breaks {
			if broken := r.check([]sourceFile{parse(t, name, text)}); len(broken) != 1 {
				t.Errorf("%s: %s breaks it once, found %q", r.name, name, broken)
			}
		}
	}
}

func checkArrows(files []sourceFile) (broken []string) {
	for _, f := range files {
		i := slices.IndexFunc(arrows, func(a arrow) bool { return fits(f.folder, a.from) })
		if i < 0 {
			broken = append(broken, fmt.Sprintf("%s: the folder %q is not in the table of arrows", f.name, f.folder))
			continue
		}
		for _, p := range f.imports() {
			folder, ours := strings.CutPrefix(p, module)
			folder = strings.TrimPrefix(folder, "/")
			// An outside test (package x_test) may import its own folder.
			if !ours || folder == f.folder && f.isTest() || fits(folder, arrows[i].to) ||
				f.isTest() && (folder == underTests || fits(folder, arrows[i].inTests)) {
				continue
			}
			broken = append(broken, fmt.Sprintf("%s imports %s: it may import %q, because %s", f.name, p,
				arrows[i].to, arrows[i].because))
		}
	}
	return broken
}

func checkLibraries(files []sourceFile) (broken []string) {
	for _, f := range files {
		for _, p := range f.imports() {
			if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
				continue // the standard library, or ours
			}
			i := slices.IndexFunc(libraries, func(l library) bool {
				return p == l.path || strings.HasPrefix(p, l.path+"/")
			})
			switch {
			case f.folder == "hardware" || f.folder == "protocol" && !f.isTest():
				broken = append(broken, fmt.Sprintf(
					"%s imports %s: the roots hardware and protocol use the standard library alone", f.name, p))
			case i < 0:
				broken = append(broken, fmt.Sprintf("%s imports %s, which is not in the table of libraries", f.name, p))
			case !fits(f.folder, libraries[i].by):
				broken = append(broken, fmt.Sprintf("%s imports %s (%s): only %q may", f.name, p,
					libraries[i].what, libraries[i].by))
			case !f.isTest() && slices.Contains(testsAlone, libraries[i].path):
				broken = append(broken, fmt.Sprintf("%s imports %s, which is for tests alone", f.name, p))
			}
		}
	}
	return broken
}

// pureImports is all that a file which decides may use, besides the codecs below protocol.
var pureImports = []string{"cmp", "errors", "fmt", "maps", "math", "slices", "sort", "strconv", "strings",
	"time", "unicode", "unicode/utf8", module + "/protocol"}

// impureTime is what a decision must not take from package time: it is told the time.
var impureTime = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker",
	"Tick", "Timer", "Ticker"}

// decides says whether a file must be pure: each machine*.go, and where fire and pump are decided
// every file that is not an actor's shell.
func (f sourceFile) decides() bool {
	if f.isTest() {
		return false
	}
	return strings.HasPrefix(path.Base(f.name), "machine") ||
		fits(f.folder, []string{"actors/pump", "actors/camera", "actors/consensus"}) &&
			!slices.Contains(f.imports(), module+"/actors")
}

func checkPure(files []sourceFile) (broken []string) {
	for _, f := range files {
		if !f.decides() {
			continue
		}
		for _, p := range f.imports() {
			if !slices.Contains(pureImports, p) && !strings.HasPrefix(p, module+"/protocol/") {
				broken = append(broken, fmt.Sprintf("%s imports %s: what decides is pure", f.name, p))
			}
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				of, _ := n.X.(*ast.Ident)
				if of != nil && (of.Name == "time" && slices.Contains(impureTime, n.Sel.Name) ||
					of.Name == "fmt" && strings.HasPrefix(n.Sel.Name, "Print")) {
					broken = append(broken, fmt.Sprintf("%s uses %s.%s: what decides is told the time and says nothing",
						f.at(n.Pos()), of.Name, n.Sel.Name))
				}
			case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType:
				broken = append(broken, f.at(n.Pos())+" uses goroutines or channels: what decides is pure")
			}
			return true
		})
	}
	return broken
}

// world is what reaches files, sockets or the clock of the machine.
var world = []string{"os", "net", "syscall", "io/fs", "log", "crypto/rand", "math/rand"}

func checkCodecs(files []sourceFile) (broken []string) {
	for _, f := range files {
		if !fits(f.folder, []string{"protocol/*"}) || f.isTest() {
			continue
		}
		for _, p := range f.imports() {
			pure := p == "net/netip" || p == "net/url" ||
				p == "crypto/rand" && f.folder == "protocol/password" // a salt
			if !pure && slices.ContainsFunc(world, func(w string) bool { return p == w || strings.HasPrefix(p, w+"/") }) {
				broken = append(broken, fmt.Sprintf("%s imports %s: a codec turns bytes into values", f.name, p))
			}
		}
	}
	return broken
}

const (
	mostFileLines     = 300
	mostFunctionLines = 50
)

// excuse is the comment that a long table carries: "Size budget: a table, read as a whole".
var excuse = regexp.MustCompile(`(?i)size budget: .*table`)

func checkSize(files []sourceFile) (broken []string) {
	for _, f := range files {
		// A suite that other tests call (hardwaretest) is a test.
		if f.isTest() || slices.Contains(f.imports(), "testing") {
			continue
		}
		excused := slices.ContainsFunc(f.tree.Comments, func(c *ast.CommentGroup) bool {
			return excuse.MatchString(c.Text())
		})
		if f.lines > mostFileLines && !excused {
			broken = append(broken, fmt.Sprintf("%s has %d lines, at most %d: one file, one idea", f.name, f.lines,
				mostFileLines))
		}
		for _, d := range f.tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || excuse.MatchString(fn.Doc.Text()) {
				continue
			}
			lines := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1
			if lines > mostFunctionLines {
				broken = append(broken, fmt.Sprintf("%s: %s has %d lines, at most %d", f.at(fn.Pos()), fn.Name.Name,
					lines, mostFunctionLines))
			}
		}
	}
	return broken
}

func checkComments(files []sourceFile) (broken []string) {
	said := make(map[string][]string)
	for _, f := range files {
		if strings.HasSuffix(f.tree.Name.Name, "_test") {
			continue
		}
		said[f.folder] = slices.Concat(said[f.folder], []string{})
		if f.tree.Doc.Text() != "" {
			said[f.folder] = append(said[f.folder], f.name)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(said)) {
		if in := said[folder]; len(in) != 1 {
			broken = append(broken, fmt.Sprintf("folder %q has %d package comments %v, want one", folder, len(in), in))
		}
	}
	return broken
}

func checkTests(files []sourceFile) (broken []string) {
	for _, f := range files {
		if !f.isTest() {
			continue
		}
		// Benchmarks measure the running program in real time; nothing in them passes or fails by it.
		mayWait := slices.Contains(f.imports(), "testing/synctest") || f.folder == "test/bench" ||
			strings.HasPrefix(path.Base(f.name), "bench")
		ast.Inspect(f.tree, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, _ := s.X.(*ast.Ident)
			if of != nil && of.Name == "time" && s.Sel.Name == "Sleep" && !mayWait {
				broken = append(broken, f.at(s.Pos())+" sleeps outside of a synctest bubble: wait for what happens")
			}
			if slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
				broken = append(broken, f.at(s.Pos())+" skips: a test that does not run proves nothing")
			}
			return true
		})
	}
	return broken
}

// machinePaths are folders of one machine, written so that this file does not hold them.
var machinePaths = regexp.MustCompile("/" + `(work|root|Users)/|/` + `home/[a-z]|\.\./` + `shared\b`)

func TestFilesNameNoMachine(t *testing.T) {
	for _, name := range house(t) {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 4<<20 || slices.Contains(text[:min(len(text), 8000)], 0) {
			continue // not a text
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := machinePaths.FindString(line); found != "" {
				t.Errorf("%s:%d names a folder of one machine: %s", name, i+1, found)
			}
		}
	}
}
