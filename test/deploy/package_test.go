//go:build deploy

// Package deploy tests what is delivered: the unit's exposure, the packages' contents, and their life
// on a throw-away Debian with a real systemd: installed, started, killed, upgraded, removed, purged.
// It needs root and Debian's tools: make test-deb.
package deploy

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// root is the repository's.
const root = "../.."

// command runs a program here and returns what it prints.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// built are the packages that this process has made, by version and architecture; TestMain removes them.
var built = struct {
	folder string
	debs   map[string]string
}{debs: map[string]string{}}

// build returns the path of a package of a version, made once.
func build(t *testing.T, version, architecture string) string {
	t.Helper()
	key := version + "-" + architecture
	if built.debs[key] == "" {
		built.debs[key] = buildIn(t, filepath.Join(built.folder, key), version, architecture)
	}
	return built.debs[key]
}

// buildIn makes a package in a folder of its own.
func buildIn(t *testing.T, out, version, architecture string) string {
	t.Helper()
	t.Setenv("OUT", out)
	t.Setenv("DEB_VERSION", version)
	command(t, filepath.Join(root, "deploy/package"), architecture)
	found, _ := filepath.Glob(filepath.Join(out, "*.deb"))
	if len(found) != 1 {
		t.Fatalf("deploy/package %s made %q, want one package", architecture, found)
	}
	return found[0]
}

func TestTheUnitIsExposedLessThanTwo(t *testing.T) {
	out, err := exec.Command("systemd-analyze", "security", "--offline=true",
		filepath.Join(root, "deploy/wildfire-watch.service")).CombinedOutput()
	found := regexp.MustCompile(`Overall exposure level for wildfire-watch.service: ([0-9.]+)`).FindSubmatch(out)
	if found == nil { // its exit code says nothing here: it is 1 for keys newer than itself
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	exposure, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("exposure %.1f", exposure)
	if exposure >= 2.0 {
		t.Errorf("exposure %.1f, want less than 2.0:\n%s", exposure, out)
	}
}

func TestVersionsAreLegalAndSortAsReleasesDo(t *testing.T) {
	cases := []struct{ described, commits, version string }{
		{"1a2b3c4", "9", "0~r9.1a2b3c4"},
		{"1a2b3c4-dirty", "10", "0~r10.1a2b3c4.dirty"},
		{"v1.2.0-rc1", "0", "1.2.0~rc1"},
		{"v1.2.0-rc1-3-gabcdef0", "0", "1.2.0~rc1+3.gabcdef0"},
		{"v1.2.0", "0", "1.2.0"},
		{"v1.2.0-dirty", "0", "1.2.0+dirty"},
		{"v1.2.1", "0", "1.2.1"},
		{"v1.2.1-9-gabcdef0-dirty", "0", "1.2.1+9.gabcdef0.dirty"},
		{"v1.2.1-10-gabcdef0", "0", "1.2.1+10.gabcdef0"},
		{"v1.10.0", "0", "1.10.0"},
	}
	before := "0~"
	for _, c := range cases {
		got := command(t, filepath.Join(root, "deploy/version"), c.described, c.commits)
		if got != c.version {
			t.Errorf("%s: version %q, want %q", c.described, got, c.version)
		}
		command(t, "dpkg", "--validate-version", got)
		command(t, "dpkg", "--compare-versions", before, "lt", got)
		before = got
	}
	if got := command(t, filepath.Join(root, "deploy/version"), "unknown", "0"); got != "0~r0.unknown" {
		t.Errorf("without git: %q", got)
	}
}

func TestThePackageIsTheSameBytesEachTime(t *testing.T) {
	sum := func(deb string) [32]byte {
		text, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(text)
	}
	first, second := sum(build(t, "1.0", "amd64")), sum(buildIn(t, t.TempDir(), "1.0", "amd64"))
	if first != second {
		t.Errorf("two builds differ: %x, %x", first, second)
	}
}

// contents are the package's files as `dpkg-deb -c` lists them: mode, owner, name.
var contents = []string{
	"-rw-r--r-- root/root ./etc/wildfire-watch/config.toml",
	"-rwxr-xr-x root/root ./usr/bin/wildfire-watch",
	"-rw-r--r-- root/root ./usr/lib/systemd/system-preset/80-wildfire-watch.preset",
	"-rw-r--r-- root/root ./usr/lib/systemd/system/wildfire-watch.service",
	"-rw-r--r-- root/root ./usr/lib/sysusers.d/wildfire-watch.conf",
	"-rw-r--r-- root/root ./usr/lib/udev/rules.d/60-wildfire-watch.rules",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/CHANGELOG.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/alarms.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/changelog.gz",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/config.toml",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/configuration.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/copyright",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/events.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/examples/grafana.json",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/examples/prometheus-alerts.yml",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/install.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/monitoring.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/security.md",
	"-rw-r--r-- root/root ./usr/share/doc/wildfire-watch/wiring.md",
	"-rw-r--r-- root/root ./usr/share/lintian/overrides/wildfire-watch",
	"-rw-r--r-- root/root ./usr/share/man/man8/wildfire-watch.8.gz",
}

func TestEachArchitectureHasItsProgram(t *testing.T) {
	for architecture, wanted := range map[string]struct {
		class   elf.Class
		machine elf.Machine
	}{
		"amd64": {elf.ELFCLASS64, elf.EM_X86_64},
		"arm64": {elf.ELFCLASS64, elf.EM_AARCH64},
		"armhf": {elf.ELFCLASS32, elf.EM_ARM},
	} {
		deb := build(t, "1.0", architecture)
		if got := command(t, "dpkg-deb", "-f", deb, "Package", "Version", "Architecture"); got !=
			"Package: wildfire-watch\nVersion: 1.0\nArchitecture: "+architecture {
			t.Errorf("%s: says it is %q", architecture, got)
		}
		var files []string
		for _, line := range strings.Split(command(t, "dpkg-deb", "-c", deb), "\n") {
			f := strings.Fields(line)
			if len(f) != 6 {
				t.Fatalf("%s: dpkg-deb -c prints %q", architecture, line)
			}
			if !strings.HasPrefix(line, "d") {
				files = append(files, f[0]+" "+f[1]+" "+f[5])
			} else if f[0] != "drwxr-xr-x" || f[1] != "root/root" {
				t.Errorf("%s: folder %q", architecture, line)
			}
		}
		if got := strings.Join(files, "\n"); got != strings.Join(contents, "\n") {
			t.Errorf("%s: it holds\n%s\nwant\n%s", architecture, got, strings.Join(contents, "\n"))
		}
		to := t.TempDir()
		command(t, "dpkg-deb", "-x", deb, to)
		program, err := elf.Open(filepath.Join(to, "usr/bin/wildfire-watch"))
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		if program.Class != wanted.class || program.Machine != wanted.machine {
			t.Errorf("%s: program for %v, %v", architecture, program.Class, program.Machine)
		}
		if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 || program.Section(".interp") != nil {
			t.Errorf("%s: program is not static: %v", architecture, libraries)
		}
	}
}

func TestLintianHasNothingToSay(t *testing.T) {
	deb := build(t, "1.0", "amd64")
	if lines := command(t, "lintian", "--allow-root", "--no-cfg", "--fail-on", "none", deb); lines != "" {
		t.Error(lines)
	}
}

func TestTheManualPageNamesEveryCommand(t *testing.T) {
	to := t.TempDir()
	command(t, "dpkg-deb", "-x", build(t, "1.0", "amd64"), to)
	page, err := os.ReadFile(filepath.Join(root, "deploy/wildfire-watch.8"))
	if err != nil {
		t.Fatal(err)
	}
	help := command(t, filepath.Join(to, "usr/bin/wildfire-watch"), "--help")
	_, commands, _ := strings.Cut(help, "Commands:")
	found := regexp.MustCompile(`(?m)^  ([a-z-]+)\b`).FindAllStringSubmatch(commands, -1)
	if len(found) < 5 {
		t.Fatalf("only %d commands in the help:\n%s", len(found), help)
	}
	bold := map[string]bool{} // what .B and .BR print bold, on the page's lines
	for line := range strings.Lines(strings.ReplaceAll(string(page), `\-`, "-")) {
		if macro, words, ok := strings.Cut(line, " "); ok && (macro == ".B" || macro == ".BR") {
			for _, word := range strings.Fields(words) {
				bold[word] = true
			}
		}
	}
	for _, c := range found {
		if !bold[c[1]] {
			t.Errorf("deploy/wildfire-watch.8 does not name the command %s", c[1])
		}
	}
}
