package bridge

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestMistakesOfTheMQTTSectionAreFound(t *testing.T) {
	id := Config{ClientID: "ww"}
	with := func(f func(*Config)) Config { c := id; f(&c); return c }
	cases := []struct {
		what string
		c    Config
		want string // keys; "?" after a warning's
	}{
		{"embedded broker", id, ""},
		{"tcp", with(func(c *Config) { c.URL = "tcp://host:1883" }), ""},
		{"no port", with(func(c *Config) { c.URL = "ssl://host" }), ""},
		{"IPv6", with(func(c *Config) { c.URL = "tcp://[::1]:1883" }), ""},
		{"no scheme", with(func(c *Config) { c.URL = "host:1883" }), "url"},
		{"unknown scheme", with(func(c *Config) { c.URL = "http://host" }), "url"},
		{"path", with(func(c *Config) { c.URL = "tcp://host/x" }), "url"},
		{"login in the url", with(func(c *Config) { c.URL = "tcp://u:secret@host" }), "url"},
		{"bad port", with(func(c *Config) { c.URL = "tcp://host:99999" }), "url"},
		{"no host", with(func(c *Config) { c.URL = "tcp://:1883" }), "url"},
		{"password without user", with(func(c *Config) { c.PasswordFile = "f" }), "password_file"},
		{"cert without key", with(func(c *Config) { c.URL, c.CertFile = "ssl://h", "c" }), "cert_file"},
		{"key without cert", with(func(c *Config) { c.URL, c.KeyFile = "ssl://h", "c" }), "cert_file"},
		{"CA without TLS", with(func(c *Config) { c.URL, c.CAFile = "tcp://h", "c" }), "url"},
		{"password in the clear", with(func(c *Config) {
			c.URL, c.Username, c.PasswordFile = "tcp://h", "u", "f"
		}), "url?"},
		{"password on loopback", with(func(c *Config) {
			c.URL, c.Username, c.PasswordFile = "tcp://127.0.0.1", "u", "f"
		}), ""},
		{"login without url", with(func(c *Config) { c.Username = "u" }), "url?"},
		{"wildcard prefix", with(func(c *Config) { c.TopicPrefix = "a/+" }), "topic_prefix"},
		{"$ prefix", with(func(c *Config) { c.TopicPrefix = "$SYS" }), "topic_prefix"},
		{"slash prefix", with(func(c *Config) { c.TopicPrefix = "a/" }), "topic_prefix"},
		{"empty level", with(func(c *Config) { c.TopicPrefix = "a//b" }), "topic_prefix"},
		{"good prefix", with(func(c *Config) { c.TopicPrefix = "a/b" }), ""},
		{"client id", with(func(c *Config) { c.ClientID = "a/b" }), "client_id"},
	}
	for _, c := range cases {
		var got []string
		for _, m := range c.c.Check() {
			if strings.Contains(m.Value+m.Allowed+m.Problem, "secret") {
				t.Errorf("%s: a password in %+v", c.what, m)
			}
			if (m.Allowed == "") == (m.Problem == "") || m.Warning != (m.Problem != "") {
				t.Errorf("%s: %+v", c.what, m)
			}
			if m.Warning {
				m.Key += "?"
			}
			got = append(got, m.Key)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: mistakes in %q, want %q", c.what, got, c.want)
		}
	}
}

func TestMistakesOfTheBrokerSectionAreFound(t *testing.T) {
	for listen, want := range map[string]string{"127.0.0.1:1883": "", "[::1]:0": "", "localhost:1": "",
		"0.0.0.0:1883": "warning", ":1883": "warning", "1883": "error", "127.0.0.1:x": "error",
		"127.0.0.1:70000": "error"} {
		got := ""
		for _, m := range (BrokerConfig{Listen: listen}).Check() {
			if got = "error"; m.Warning {
				got = "warning"
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", listen, got, want)
		}
	}
}

// authority makes a CA in dir and returns what signs with it.
func authority(t *testing.T, dir string) (sign func(name string) tls.Certificate, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	write := func(file, kind string, der []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	write("ca.pem", "CERTIFICATE", der)
	ca, _ := x509.ParseCertificate(der)
	pool = x509.NewCertPool()
	pool.AddCert(ca)
	return func(name string) tls.Certificate {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
			NotBefore: root.NotBefore, NotAfter: root.NotAfter,
			IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &own.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, _ := x509.MarshalPKCS8PrivateKey(own)
		write(name+".pem", "CERTIFICATE", der)
		write(name+".key", "PRIVATE KEY", keyDER)
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}, pool
}

func TestTLSWithAClientCertificateAndAPasswordFile(t *testing.T) {
	dir := t.TempDir()
	sign, pool := authority(t, dir)
	server := sign("server")
	sign("client")
	p := newPeer(t, func() (net.Listener, error) {
		return tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{server},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("password"), []byte("pass word\r\nnext\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{URL: "ssl://" + p.socket.Addr().String(), ClientID: "ww", Username: "u",
		PasswordFile: at("password"), CAFile: at("ca.pem"), CertFile: at("client.pem"),
		KeyFile: at("client.key")}
	if m := c.Check(); len(m) != 0 {
		t.Fatalf("%+v", m)
	}
	h := move(t, Settings{Config: c})
	h.occurred(protocol.MQTTConnected, 1)
	p.set(func() {
		if m := p.connects[0]; m.Username != "u" || string(m.Password) != "pass word" {
			t.Errorf("login %q %q", m.Username, m.Password)
		}
	})
	for what, f := range map[string]func(*Config){
		"no authority":   func(c *Config) { c.CAFile = "" },
		"no certificate": func(c *Config) { c.CertFile, c.KeyFile = "", "" },
		"missing file":   func(c *Config) { c.CAFile = at("nowhere.pem") },
		"rubbish file":   func(c *Config) { c.CAFile = at("password") },
		"wrong key":      func(c *Config) { c.KeyFile = at("server.key") },
	} {
		bad := c
		f(&bad)
		conn, err := dialer(bad)(context.Background())
		if err == nil { // with TLS 1.3 the server refuses after the handshake
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			_, err = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
		if err == nil {
			t.Errorf("%s: connected", what)
		}
	}
	bad := c
	bad.PasswordFile = at("nowhere")
	if _, err := bad.password(); err == nil || !strings.Contains(err.Error(), "mqtt.password_file") {
		t.Errorf("missing password file: %v", err)
	}
}
