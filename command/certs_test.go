package command

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol/password"
)

func TestCertsMakesWhatIsMissingAndOverwritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	first := run(t, "certs", "--dir", dir, "--host", "pump.lan", "--host", "192.0.2.7", "--client", "north")
	if first.code != 0 || !strings.Contains(first.out, "tls_listen") || !strings.Contains(first.out, filepath.Join(dir, "server.crt")) {
		t.Fatal(first)
	}
	before := contents(t, dir)
	for name := range before {
		want := os.FileMode(0o644)
		if strings.HasSuffix(name, ".key") {
			want = 0o600
		}
		if about, _ := os.Stat(filepath.Join(dir, name)); about.Mode().Perm() != want {
			t.Errorf("%s has mode %v", name, about.Mode())
		}
		if strings.Contains(first.out, strings.Split(before[name], "\n")[1]) {
			t.Errorf("%s is printed", name)
		}
	}
	if len(before) != 6 {
		t.Fatalf("made %v", before)
	}
	if again := run(t, "certs", "--dir", dir); again.code != 0 || !strings.Contains(again.out, "it stays") {
		t.Fatal(again)
	}
	if taken := run(t, "certs", "--dir", dir, "--client", "north"); taken.code != 1 || !strings.Contains(taken.errs, "exists") {
		t.Fatal(taken)
	}
	if bad := run(t, "certs", "--dir", dir, "--client", "a/b"); bad.code != 1 {
		t.Fatal(bad)
	}
	if bad := run(t, "certs", "--dir", dir, "--renew", "--host", "no name"); bad.code != 1 {
		t.Fatal(bad)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func TestRenewKeepsTheAuthorityAndTheOldCertificate(t *testing.T) {
	dir := t.TempDir()
	run(t, "certs", "--dir", dir, "--host", "pump.lan")
	before := contents(t, dir)
	if said := run(t, "certs", "--dir", dir, "--host", "pump.lan", "--renew"); said.code != 0 {
		t.Fatal(said)
	}
	after := contents(t, dir)
	if after["ca.crt"] != before["ca.crt"] || after["ca.key"] != before["ca.key"] || after["server.crt"] == before["server.crt"] {
		t.Error("renew changes the server's certificate alone")
	}
	var kept int
	for name, text := range after {
		if strings.HasPrefix(name, "server-until-") && (text == before["server.crt"] || text == before["server.key"]) {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("the old certificate is gone: %d files", kept)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(after["ca.crt"]))
	pair, err := tls.X509KeyPair([]byte(after["server.crt"]), []byte(after["server.key"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pump.lan", "localhost", "127.0.0.1", "::1"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "other.lan", Roots: pool}); err == nil {
		t.Error("it is everybody's")
	}
}

func TestHalfAnAuthorityIsToldAndNothingIsMade(t *testing.T) {
	dir := t.TempDir()
	run(t, "certs", "--dir", dir)
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	if said := run(t, "certs", "--dir", dir, "--renew"); said.code != 1 || !strings.Contains(said.errs, "both are needed") {
		t.Error(said)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.key"), []byte(contents(t, dir)["server.key"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := run(t, "certs", "--dir", dir, "--renew"); said.code != 1 || !strings.Contains(said.errs, "not of one another") {
		t.Error(said)
	}
}

func TestCertificatesLiveAsLongAsIsSaid(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ca, err := newAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	server, err := newServer(ca, []string{"pump.lan"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if days := server.cert.NotAfter.Sub(now).Hours() / 24; days != 825 {
		t.Errorf("%v days", days)
	}
	late, err := newServer(ca, []string{"pump.lan"}, now.Add(authorityLife-24*time.Hour))
	if err != nil || late.cert.NotAfter.After(ca.cert.NotAfter) {
		t.Error("it outlives its authority", err)
	}
	client, err := newClient(ca, "north", now)
	if err != nil || client.cert.Subject.CommonName != "north" || slices.Contains(client.cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		t.Error(client.cert.Subject, err)
	}
	if !ca.cert.IsCA || server.cert.IsCA || client.cert.IsCA || server.cert.SerialNumber.Cmp(client.cert.SerialNumber) == 0 {
		t.Error("who signs what")
	}
}

func TestNamesOfTheServer(t *testing.T) {
	_, wide, _ := net.ParseCIDR("192.0.2.0/24")
	wide.IP = net.ParseIP("192.0.2.7")
	_, local, _ := net.ParseCIDR("fe80::/64")
	got, err := namesOf([]string{"pump.lan.", "localhost"}, "pump", []net.Addr{wide, local})
	want := []string{"pump.lan", "localhost", "pump", "pump.local", "127.0.0.1", "::1", "192.0.2.7"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "a b", "-x", "*", "a_b", strings.Repeat("a", 300), "x\n"} {
		if _, err := namesOf([]string{bad}, "", nil); err == nil && strings.TrimSpace(bad) != "x" {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestPasswordPrintsAHash(t *testing.T) {
	ask := func(typed string) (string, error) {
		var out strings.Builder
		err := passwordCommand{}.Run(&terminal{in: strings.NewReader(typed), out: &out, err: &out})
		return strings.TrimSpace(out.String()), err
	}
	hash, err := ask("correct horse\n")
	if err != nil || !password.Verify(hash, "correct horse") {
		t.Error(hash, err)
	}
	for _, bad := range []string{"", "short\n", "\n"} {
		if _, err := ask(bad); err == nil || strings.Contains(err.Error(), "short") && bad == "short\n" && !strings.Contains(err.Error(), "characters") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
