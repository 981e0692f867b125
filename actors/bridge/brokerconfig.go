package bridge

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/access"
)

// BrokerConfig is the [broker] section.
type BrokerConfig struct {
	// Listen is the embedded broker's address without TLS, on loopback; port 0 takes any free one.
	Listen string `key:"listen" len:"1..256"`
	// TLSListen is its address with TLS; empty: none.
	TLSListen string `key:"tls_listen" len:"0..256"`
	// CertFile and KeyFile are the server's, ClientCAFile signs clients' certificates; PEM.
	CertFile     string `key:"cert_file" len:"0..4096"`
	KeyFile      string `key:"key_file" len:"0..4096"`
	ClientCAFile string `key:"client_ca_file" len:"0..4096"`
	// Entries are the users, "name:role:hash".
	Entries []string `key:"users" len:"0..256" secret:"true"`
}

// Users are those who may log in. Check has told what is wrong with the others.
func (c BrokerConfig) Users() []access.User {
	users, _ := access.Parse(c.Entries)
	return users
}

// Check finds what no single key's range can.
func (c BrokerConfig) Check() (mistakes []protocol.Mistake) {
	wrong := func(key, allowed string) {
		mistakes = append(mistakes, protocol.Mistake{Key: key, Allowed: allowed})
	}
	warn := func(key, problem string) {
		mistakes = append(mistakes, protocol.Mistake{Key: key, Problem: problem, Warning: true})
	}
	host, ok := address(c.Listen)
	if !ok {
		wrong("listen", "host:port with a port of 0 to 65535")
	} else if !isLoopback(host) {
		warn("listen", "is open to the network without TLS, which is not done: the broker listens on 127.0.0.1"+
			" alone; other machines come by broker.tls_listen, with a login (docs/security.md)")
	}
	if _, ok := address(c.TLSListen); c.TLSListen != "" && !ok {
		wrong("tls_listen", "host:port with a port of 0 to 65535, or empty")
	}
	if c.TLSListen != "" && (c.CertFile == "" || c.KeyFile == "") {
		wrong("tls_listen", "empty while cert_file and key_file are: wildfire-watch certs makes them")
	}
	_, problems := access.Parse(c.Entries)
	for _, p := range problems {
		mistakes = append(mistakes, protocol.Mistake{Key: "users", Problem: p.Text, Warning: p.Weak})
	}
	if c.TLSListen != "" && len(c.Entries) == 0 {
		warn("users", "is empty: without a login nobody is let in from the network, so broker.tls_listen is not opened")
	}
	if c.TLSListen == "" {
		return mistakes
	}
	if problem := exposed(c.KeyFile); problem != "" {
		warn("key_file", problem)
	}
	if c.CertFile != "" {
		for _, problem := range oldCertificate(c.CertFile, time.Now()) {
			warn("cert_file", problem)
		}
	}
	return mistakes
}

// address reads host:port.
func address(listen string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", false
	}
	_, err = net.LookupPort("tcp", port)
	return host, err == nil
}

// exposed says why a file is no secret; empty if it is, or is not there.
func exposed(file string) (problem string) {
	about, err := os.Stat(file)
	if file == "" || err != nil || about.Mode().Perm()&0o007 == 0 {
		return ""
	}
	return fmt.Sprintf("has mode %04o, everybody on this machine may read it: chmod 600", about.Mode().Perm())
}

// Certificates whose end is nearer, and nearer than a quarter of their life, are told of.
const endsSoon = 30 * 24 * time.Hour

// oldCertificate says what is old about a certificate: its key, its signature, its end. A file that is
// not there is told of when it is needed.
func oldCertificate(file string, now time.Time) (problems []string) {
	text, err := readSecret(file)
	if err != nil {
		return []string{"cannot be read: " + err.Error()}
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return []string{"holds no certificate"}
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return []string{"holds no certificate that can be read"}
	}
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
		say("has an RSA key of %d bits, at least 2048 are wanted", key.N.BitLen())
	}
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		say("is signed with %v, which can be forged", cert.SignatureAlgorithm)
	}
	switch {
	case now.After(cert.NotAfter):
		say("has ended on %s", cert.NotAfter.Format(time.DateOnly))
	case cert.NotAfter.Sub(now) < min(endsSoon, cert.NotAfter.Sub(cert.NotBefore)/4):
		say("ends on %s: wildfire-watch certs --renew", cert.NotAfter.Format(time.DateOnly))
	}
	return problems
}
