package bridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const (
	dialTimeout = 6 * time.Second // TCP and TLS together
	maxSecret   = 64 << 10        // bytes of a password or certificate file
)

// Dial opens a connection to the broker; it ends with its context.
type Dial func(ctx context.Context) (net.Conn, error)

// dialer makes the Dial of a configured broker. Certificates are read at every attempt, so a
// renewed one is used without a restart, and a missing one is reported like a broker away.
func dialer(c Config) Dial {
	return func(ctx context.Context) (net.Conn, error) {
		t, allowed := parse(c.URL)
		if allowed != "" {
			return nil, fmt.Errorf("read mqtt.url: %s", allowed)
		}
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		d := net.Dialer{KeepAlive: 15 * time.Second}
		conn, err := d.DialContext(ctx, "tcp", t.address)
		if err != nil || !t.secure {
			return conn, err
		}
		settings, err := c.tls(t.host)
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		secure := tls.Client(conn, settings)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("greet %s with TLS: %w", t.address, err)
		}
		return secure, nil
	}
}

func (c Config) tls(host string) (*tls.Config, error) {
	settings := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := readSecret(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read mqtt.ca_file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read mqtt.ca_file %s: it holds no certificate", c.CAFile)
		}
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read mqtt.cert_file and key_file: %w", err)
		}
		settings.Certificates = []tls.Certificate{cert}
	}
	return settings, nil
}

// password is the first line of the password file; empty without one.
func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	text, err := readSecret(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read mqtt.password_file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

func readSecret(path string) ([]byte, error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !about.Mode().IsRegular() || about.Size() > maxSecret {
		return nil, errors.New(path + ": not a regular file of at most 64 KiB")
	}
	return os.ReadFile(path)
}
