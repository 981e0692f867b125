package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	maxPEM = 256 << 10 // bytes of a certificate or key file
	// lookEvery bounds how often the files are looked at; a look is three stats.
	lookEvery = time.Second
)

// certificates are the files of the TLS listener. They are read anew when they change; while new ones
// cannot be used the old ones stay.
type certificates struct {
	cert, key, ca string
	tell          func(err error) // nil: all is well; at every change
	mu            sync.Mutex
	looked        time.Time
	stamp         string
	config        *tls.Config
	told          string
}

// wrap makes TLS of a connection. The greeting's deadline covers the handshake.
func (c *certificates) wrap(conn net.Conn) net.Conn {
	return tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(time.Now()) }})
}

// current is what the files say now.
func (c *certificates) current(now time.Time) (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked.IsZero() || now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if stamp := c.stamps(); stamp != c.stamp || c.config == nil {
			c.renew(stamp)
		}
	}
	if c.config == nil {
		return nil, errors.New("no certificate that can be used")
	}
	return c.config, nil
}

// first reads the files at the start, so that what is wrong with them is known before the first client.
func (c *certificates) first() error {
	_, err := c.current(time.Now())
	return err
}

func (c *certificates) renew(stamp string) {
	config, err := c.load()
	said := ""
	if err == nil {
		c.config, c.stamp = config, stamp
	} else {
		said = err.Error()
	}
	if said != c.told || c.told == "" && err == nil {
		c.told = said
		c.tell(err)
	}
}

// stamps changes when a file does.
func (c *certificates) stamps() string {
	var b strings.Builder
	for _, name := range []string{c.cert, c.key, c.ca} {
		if about, err := os.Stat(name); err == nil {
			fmt.Fprintf(&b, "%d %d;", about.ModTime().UnixNano(), about.Size())
		} else {
			b.WriteString("-;")
		}
	}
	return b.String()
}

func (c *certificates) load() (*tls.Config, error) {
	cert, err := readPEM(c.cert)
	if err != nil {
		return nil, fmt.Errorf("read broker.cert_file: %w", err)
	}
	key, err := readPEM(c.key)
	if err != nil {
		return nil, fmt.Errorf("read broker.key_file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read broker.cert_file %s and key_file %s: %w", c.cert, c.key, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if c.ca == "" {
		return config, nil
	}
	ca, err := readPEM(c.ca)
	if err != nil {
		return nil, fmt.Errorf("read broker.client_ca_file: %w", err)
	}
	config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("read broker.client_ca_file %s: it holds no certificate", c.ca)
	}
	return config, nil
}

func readPEM(name string) ([]byte, error) {
	about, err := os.Stat(name) // before it is opened: a pipe would wait for its other end
	if err != nil {
		return nil, err
	}
	if !about.Mode().IsRegular() || about.Size() > maxPEM {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", name, maxPEM)
	}
	return os.ReadFile(name)
}
