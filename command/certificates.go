package command

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	// leafLife is what browsers and phones accept at most.
	leafLife = 825 * 24 * time.Hour
	// clockSlack: a small computer without a clock of its own may live in the past.
	clockSlack = 24 * time.Hour
)

// certified is a certificate with its key, both PEM too.
type certified struct {
	cert            *x509.Certificate
	key             crypto.Signer
	certPEM, keyPEM []byte
}

// newAuthority makes a certificate authority of our own, ECDSA P-256, that signs leaves only.
func newAuthority(now time.Time) (certified, error) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "Wildfire Watch CA " + now.UTC().Format(time.DateOnly)},
		NotBefore: now.Add(-clockSlack), NotAfter: now.Add(authorityLife), IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	return sign(template, nil)
}

// newServer makes a server's certificate for host names and addresses.
func newServer(ca certified, hosts []string, now time.Time) (certified, error) {
	template := leaf(hosts[0], x509.ExtKeyUsageServerAuth, ca, now)
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return sign(template, &ca)
}

// newClient makes a client's certificate; the name is the user on the broker.
func newClient(ca certified, name string, now time.Time) (certified, error) {
	return sign(leaf(name, x509.ExtKeyUsageClientAuth, ca, now), &ca)
}

// leaf is what server and client have in common. It never outlives its authority.
func leaf(name string, use x509.ExtKeyUsage, ca certified, now time.Time) *x509.Certificate {
	end := now.Add(leafLife)
	if end.After(ca.cert.NotAfter) {
		end = ca.cert.NotAfter
	}
	if len(name) > 64 { // a common name's bound (RFC 5280, A.1)
		name = name[:64]
	}
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-clockSlack), NotAfter: end,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use}}
}

// sign makes a key and has its certificate signed; without an authority by itself.
func sign(template *x509.Certificate, by *certified) (c certified, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, fmt.Errorf("make a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return c, fmt.Errorf("make a serial number: %w", err)
	}
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return c, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, fmt.Errorf("write down a key: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return c, fmt.Errorf("read the certificate made: %w", err)
	}
	return certified{cert: cert, key: key, certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})}, nil
}

// readAuthority reads an authority back.
func readAuthority(certPEM, keyPEM []byte) (c certified, err error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return c, errors.New("no PEM")
	}
	if c.cert, err = x509.ParseCertificate(certBlock.Bytes); err != nil {
		return c, err
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return c, errors.New("no private key that can be read")
	}
	signer, ok := key.(crypto.Signer)
	if !ok || !c.cert.IsCA {
		return c, errors.New("no certificate authority")
	}
	if public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(c.cert.PublicKey) {
		return c, errors.New("key and certificate are not of one another")
	}
	c.key, c.certPEM, c.keyPEM = signer, certPEM, keyPEM
	return c, nil
}

// namesOf is every name the server goes by: those given first, then what this machine calls itself,
// each once. A name that no certificate can hold is an error.
func namesOf(given []string, hostname string, addresses []net.Addr) (names []string, err error) {
	for _, name := range given {
		if name = strings.TrimSuffix(strings.TrimSpace(name), "."); !validHost(name) {
			return nil, fmt.Errorf("--host %q: no host name and no IP address", name)
		}
		names = append(names, name)
	}
	if validHost(hostname) {
		names = append(names, hostname)
		if !strings.Contains(hostname, ".") {
			names = append(names, hostname+".local")
		}
	}
	names = append(names, "localhost", "127.0.0.1", "::1")
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && !p.Addr().IsLinkLocalUnicast() {
			names = append(names, p.Addr().Unmap().String())
		}
	}
	var once []string
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once, nil
}

func validHost(name string) bool {
	if net.ParseIP(name) != nil {
		return true
	}
	return name != "" && len(name) <= 253 && !strings.HasPrefix(name, "-") && !strings.HasPrefix(name, ".") &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-')
		})
}
