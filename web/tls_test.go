package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate for the loopback and its key.
func certify(t *testing.T, cert, key, name string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{key: {Type: "PRIVATE KEY", Bytes: secret}, cert: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shown is the name in the certificate that an address shows now.
func shown(t *testing.T, p *Page, c *tls.Config) (name string, err error) {
	t.Helper()
	c.InsecureSkipVerify = true // each certificate is its own authority
	l, err := tls.Dial("tcp", strings.TrimPrefix(p.URL(), "https://"), c)
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestACertificateIsReadAnewWhenItChangesAndABadOneChangesNothing(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, cert, key, "first")
	p := serving(t, Settings{Config: Config{Users: users, CertFile: cert, KeyFile: key}}, pumping())
	if !strings.HasPrefix(p.URL(), "https://127.0.0.1:") {
		t.Fatalf("URL %s", p.URL())
	}
	is := func(want string) {
		t.Helper()
		eventually(t, want, func() bool { got, err := shown(t, p, &tls.Config{}); return err == nil && got == want })
	}
	is("first")
	certify(t, cert, key, "second")
	is("second")
	if err := os.WriteFile(key, []byte("half a ke"), 0o600); err != nil {
		t.Fatal(err)
	}
	is("second")
	_ = os.Remove(cert)
	is("second")
	certify(t, cert, key, "third")
	is("third")
}

func TestOldTLSIsRefusedAndTheSessionIsSecure(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, cert, key, "home")
	p := serving(t, Settings{Config: Config{Listen: "0.0.0.0:0", Users: users, CertFile: cert, KeyFile: key}}, pumping())
	p.url = strings.Replace(strings.Replace(p.url, "0.0.0.0", "127.0.0.1", 1), "[::]", "127.0.0.1", 1)
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		if _, err := shown(t, p, &tls.Config{MinVersion: version, MaxVersion: version}); (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	c := browser(t)
	for _, h2 := range []bool{false, true} {
		c.Transport = &http.Transport{DisableKeepAlives: !h2, ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{RootCAs: roots}}
		a := requestBy(t, c, "POST", p.URL()+"/api/login", `{"user":"anna","password":"`+password+`"}`)
		given := a.header.Get("Set-Cookie")
		if a.code != 200 || !strings.HasPrefix(given, "__Host-") || !strings.Contains(given, "; Secure") {
			t.Fatalf("%d, cookie %q", a.code, given)
		}
		f := followBy(t, c, p)
		if f.next().Number != 5 {
			t.Error("no stream")
		}
		f.close()
		c.CloseIdleConnections()
	}
	// Plain HTTP to the same port gets no page.
	plain := request(t, "GET", strings.Replace(p.URL(), "https", "http", 1)+"/", "")
	if plain.code != 400 {
		t.Errorf("plain HTTP: %d", plain.code)
	}
}

func TestAKeyThatEverybodyReadsIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, cert, key, "home")
	c := Config{Listen: "127.0.0.1:0", CertFile: cert, KeyFile: key}
	if found := c.Check(); found != nil {
		t.Errorf("a private key: %+v", found)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if found := c.Check(); len(found) != 1 || found[0].Key != "key_file" || !found[0].Warning {
		t.Errorf("a public key: %+v", found)
	}
}
