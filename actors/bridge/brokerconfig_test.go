package bridge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol/access"
)

const someHash = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestTheBrokerSectionIsCheckedAsAWhole(t *testing.T) {
	now := time.Now()
	cert := certificate(t, now.Add(-time.Hour), now.Add(800*24*time.Hour), false)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := BrokerConfig{Listen: "127.0.0.1:1883", TLSListen: "0.0.0.0:8883", CertFile: cert, KeyFile: key,
		Entries: []string{"anna:operator:" + someHash}}
	for want, change := range map[string]func(c *BrokerConfig){
		"":                 func(*BrokerConfig) {},
		"listen warning":   func(c *BrokerConfig) { c.Listen = "0.0.0.0:1883" },
		"tls_listen error": func(c *BrokerConfig) { c.TLSListen = "8883" },
		"users error":      func(c *BrokerConfig) { c.Entries = append(c.Entries, "bob:operator:hunter2hunter2") },
		"users warning":    func(c *BrokerConfig) { c.Entries = nil },
		"key_file warning": func(c *BrokerConfig) {
			if err := os.Chmod(key, 0o644); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(key, 0o600) })
		},
		"cert_file warning": func(c *BrokerConfig) {
			c.CertFile = certificate(t, now.Add(-800*24*time.Hour), now.Add(time.Hour), false)
		},
	} {
		t.Run(want, func(t *testing.T) {
			if err := os.Chmod(key, 0o600); err != nil {
				t.Fatal(err)
			}
			c := good
			c.Entries = append([]string(nil), good.Entries...)
			change(&c)
			got := ""
			for _, m := range c.Check() {
				if got = m.Key + " error"; m.Warning {
					got = m.Key + " warning"
				}
				if strings.Contains(m.Problem+m.Allowed+m.Value, "hunter2") {
					t.Errorf("a password is told: %+v", m)
				}
			}
			if got != want {
				t.Errorf("got %q", got)
			}
		})
	}
	if users := good.Users(); len(users) != 1 || users[0].Role != access.Operator {
		t.Error(users)
	}
}

// certificate makes a file with a certificate that lives so long; old: with a short RSA key.
func certificate(t *testing.T, from, to time.Time, old bool) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	var der []byte
	var err error
	if old {
		t.Setenv("GODEBUG", "rsa1024min=0")
		key, e := rsa.GenerateKey(rand.Reader, 1024)
		if e != nil {
			t.Fatal(e)
		}
		der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	} else {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "cert")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOldCertificatesAreToldOf(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	for _, c := range []struct {
		file, says string
	}{
		{certificate(t, now.Add(-day), now.Add(300*day), false), ""},
		{certificate(t, now.Add(-day), now.Add(5*day), false), ""}, // short lives are renewed by somebody
		{certificate(t, now.Add(-300*day), now.Add(5*day), false), "ends on"},
		{certificate(t, now.Add(-300*day), now.Add(-day), false), "has ended"},
		{certificate(t, now.Add(-day), now.Add(300*day), true), "RSA key of 1024 bits"},
		{filepath.Join(t.TempDir(), "none"), "cannot be read"},
	} {
		if got := strings.Join(oldCertificate(c.file, now), "; "); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%q, wanted %q", got, c.says)
		}
	}
}
