package web

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// certificate is what TLS shows. Its files are read anew when they change; while what stands there cannot
// be used, the one before stays.
type certificate struct {
	cert, key string
	every     time.Duration // looks no more often
	log       *zap.Logger
	mu        sync.Mutex // guards what follows
	current   *tls.Certificate
	stamp     string
	looked    time.Time
}

// openCertificate reads the files for the first time.
func (p *Page) openCertificate() error {
	c := &certificate{cert: p.settings.Config.CertFile, key: p.settings.Config.KeyFile, every: p.limits.reload, log: p.log}
	c.stamp = c.state()
	if err := c.load(); err != nil {
		return fmt.Errorf("the page is not opened: %w; `wildfire-watch certs` makes both", err)
	}
	p.tls = func() *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	p.secure = true
	return nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read the certificate %s with the key %s: %w", c.cert, c.key, err)
	}
	if pair.Leaf != nil && time.Now().After(pair.Leaf.NotAfter) {
		c.log.Warn("the page's certificate has expired: browsers warn of it", zap.String("file", c.cert),
			zap.Time("expired", pair.Leaf.NotAfter))
	}
	c.current = &pair
	return nil
}

// get is the certificate of now.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.looked) < c.every {
		return c.current, nil
	}
	c.looked = now
	state := c.state()
	if state == c.stamp {
		return c.current, nil
	}
	c.stamp = state
	if err := c.load(); err != nil {
		c.log.Warn("the page keeps its old certificate", zap.Error(err))
	} else {
		c.log.Info("the page has a new certificate", zap.String("file", c.cert))
	}
	return c.current, nil
}

// state differs when one of the files has changed.
func (c *certificate) state() (s string) {
	for _, name := range []string{c.cert, c.key} {
		if about, err := os.Stat(name); err == nil {
			s += fmt.Sprintln(about.ModTime().UnixNano(), about.Size())
		} else {
			s += "absent\n"
		}
	}
	return s
}
