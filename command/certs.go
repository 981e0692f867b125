package command

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"wildfire-watch/protocol/access"
)

type certsCommand struct {
	Dir    string   `help:"Folder for the certificates; it is made." required:"" placeholder:"DIR"`
	Host   []string `help:"A name or an address that others reach this machine by. May be repeated." placeholder:"NAME"`
	Client []string `help:"Make a client's certificate; NAME is its user on the broker. May be repeated." placeholder:"NAME"`
	Renew  bool     `help:"Make the server's certificate anew, by the same authority; the old one is kept beside it."`
}

// Help is printed by certs --help.
func (certsCommand) Help() string {
	return `Makes a certificate authority of your own (10 years) and a certificate for this machine
(825 days) with the names given and those that the machine has; with --client a user's.
What exists is never written over: run again it makes what is missing, with --renew the
server's certificate anew. Whoever trusts ca.crt trusts this machine; ca.key signs, keep
it off the machine if you can.

Example:

    wildfire-watch certs --dir /etc/wildfire-watch/tls --host pump.lan`
}

// Run makes what is missing.
func (c certsCommand) Run(t *terminal) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	now := time.Now()
	ca, err := c.authority(t, now)
	if err != nil {
		return err
	}
	if err := c.server(t, ca, now); err != nil {
		return err
	}
	for _, name := range c.Client {
		if !access.ValidName(name) {
			return fmt.Errorf("--client %q: no name that a user can have", name)
		}
		made, err := newClient(ca, name, now)
		if err != nil {
			return err
		}
		if err := c.keep(t, "client-"+name, made); err != nil {
			return err
		}
	}
	c.explain(t)
	return nil
}

// explain says what to put where.
func (c certsCommand) explain(t *terminal) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		dir = c.Dir
	}
	fmt.Fprintf(t.out, `
In the configuration:

    [broker]
    tls_listen = "0.0.0.0:8883"
    cert_file = %q
    key_file = %q
    client_ca_file = %q   # if users come with certificates
    users = []   # "name:role:hash", see wildfire-watch password

    [http]
    listen = "0.0.0.0:8443"
    cert_file = %q
    key_file = %q
    users = []

The program must be able to read the keys: chown them to the user that it runs as. Clients trust
%s (mosquitto_pub --cafile, Frigate's mqtt.tls_ca_certs, a browser's authorities). Store %s safely, elsewhere.
`, filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"), filepath.Join(dir, "ca.crt"),
		filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"), filepath.Join(dir, "ca.crt"),
		filepath.Join(dir, "ca.key"))
}

// authority reads the authority of the folder, or makes it.
func (c certsCommand) authority(t *terminal, now time.Time) (certified, error) {
	cert, certErr := os.ReadFile(c.at("ca.crt"))
	key, keyErr := os.ReadFile(c.at("ca.key"))
	switch {
	case certErr == nil && keyErr == nil:
		ca, err := readAuthority(cert, key)
		if err != nil {
			return ca, fmt.Errorf("read the authority in %s: %w", c.Dir, err)
		}
		if now.After(ca.cert.NotAfter) {
			return ca, fmt.Errorf("the authority in %s has ended on %s: begin a new folder", c.Dir,
				ca.cert.NotAfter.Format(time.DateOnly))
		}
		return ca, nil
	case !errors.Is(certErr, os.ErrNotExist) || !errors.Is(keyErr, os.ErrNotExist):
		return certified{}, fmt.Errorf("%s has one of ca.crt and ca.key, or one cannot be read: both are needed to sign; "+
			"put the other there too", c.Dir)
	}
	ca, err := newAuthority(now)
	if err != nil {
		return ca, err
	}
	return ca, c.keep(t, "ca", ca)
}

// server makes the server's certificate if there is none, or anew.
func (c certsCommand) server(t *terminal, ca certified, now time.Time) error {
	if _, err := os.Lstat(c.at("server.crt")); err == nil {
		if !c.Renew {
			fmt.Fprintf(t.out, "%s is there: it stays (--renew makes it anew)\n", c.at("server.crt"))
			return nil
		}
		for _, kind := range []string{"crt", "key"} {
			aside := c.at("server-until-" + now.UTC().Format("20060102T150405.000") + "." + kind)
			if err := os.Rename(c.at("server."+kind), aside); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	hostname, _ := os.Hostname() // empty: the names given will do
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("look up this machine's addresses: %w", err)
	}
	names, err := namesOf(c.Host, hostname, addresses)
	if err != nil {
		return err
	}
	made, err := newServer(ca, names, now)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "the server is known as %v\n", names)
	return c.keep(t, "server", made)
}

func (c certsCommand) at(name string) string { return filepath.Join(c.Dir, name) }

// keep writes key and certificate as new files: the key first, so that a certificate is never without.
func (c certsCommand) keep(t *terminal, name string, made certified) error {
	if err := writeNew(c.at(name+".key"), made.keyPEM, 0o600); err != nil {
		return err
	}
	if err := writeNew(c.at(name+".crt"), made.certPEM, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "made %s.crt, until %s, and %s.key\n", c.at(name), made.cert.NotAfter.Format(time.DateOnly), c.at(name))
	return nil
}

// writeNew writes a file that must not be there yet.
func writeNew(name string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if e := f.Chmod(mode); err == nil { // whatever the umask says
		err = e
	}
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
