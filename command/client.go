package command

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"

	"wildfire-watch/actors/system"
)

// reach are the flags that say how a running wildfire-watch is reached.
type reach struct {
	settings
	Socket       string `help:"Its socket; without it control.sock in journal.dir of the configuration." placeholder:"PATH" xor:"reach"`
	URL          string `name:"url" help:"The address of its page, from elsewhere: https://host:8443." placeholder:"URL" xor:"reach"`
	User         string `help:"With --url: who you are. The password is asked for, or read from --password-file." placeholder:"NAME"`
	PasswordFile string `help:"With --user: a file whose first line is the password." placeholder:"FILE"`
	CAFile       string `name:"ca-file" help:"With --url: the certificate authority of the program, a PEM file." placeholder:"FILE"`
}

// socketName is the socket in journal.dir; packaged is the configuration of the installed service.
const socketName = "control.sock"

var packaged = "/etc/wildfire-watch/config.toml"

// The bounds of one exchange: dialTime to get through, askPatience for all of it, mostAnswer of bytes.
const (
	dialTime    = 2 * time.Second
	askPatience = 5 * time.Second
	mostAnswer  = 8 << 20
)

// client talks to one wildfire-watch. Its errors and texts never hold the password.
type client struct {
	base           string // "http://wildfire-watch" over a socket
	where          string // for a person
	user, password string
	http           *http.Client
	config         system.Config // as far as it could be read; not with --url
	file           string        // that it is from; empty: the defaults
}

// dial finds the program; whether it answers is seen with the first question.
func (t *terminal) dial(r reach) (*client, error) {
	if r.URL != "" {
		return t.dialURL(r)
	}
	c := &client{base: "http://wildfire-watch", where: r.Socket, file: r.Config}
	if r.Socket == "" {
		c.config = t.readAnyhow(r.settings)
		c.where = socketOf(c.config)
		if _, err := os.Stat(c.where); errors.Is(err, fs.ErrNotExist) && r.Config == "" && len(r.Set) == 0 {
			if installed, _, err := system.Load(t.defaults, packaged, nil); err == nil {
				c.config, c.file = installed, packaged
				c.where = socketOf(installed)
			}
		}
	}
	c.http = newHTTP(&http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTime)
			defer cancel()
			return new(net.Dialer).DialContext(ctx, "unix", c.where)
		}})
	return c, nil
}

// socketOf is the socket of the program with that configuration: where it says that it is, or, to who may not
// read that, where it is configured.
func socketOf(of system.Config) string {
	dir := of.Journal.Dir
	var at struct{ Socket string }
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err == nil && json.Unmarshal(text, &at) == nil && at.Socket != "" {
		return at.Socket
	}
	return or(of.HTTP.Socket, filepath.Join(dir, socketName))
}

// folder is where the program's run.json is.
func (c *client) folder() string { return or(c.config.Journal.Dir, filepath.Dir(c.where)) }

// newHTTP follows nobody anywhere else: a password must not either.
func newHTTP(over *http.Transport) *http.Client {
	return &http.Client{Transport: over,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (t *terminal) dialURL(r reach) (*client, error) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "":
		return nil, errors.New("--url must be http://host:port or https://host:port")
	case u.User != nil:
		return nil, errors.New("--url takes no login: use --user, and --password-file or the question")
	case r.User != "" && u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("a password is not sent in the clear: use https:// (wildfire-watch certs makes certificates)")
	}
	c := &client{base: strings.TrimSuffix(u.String(), "/"), where: u.Host, user: r.User}
	if r.User != "" {
		if c.password, err = t.passwordOf(r); err != nil {
			return nil, err
		}
	}
	over := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSHandshakeTimeout: dialTime, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if r.CAFile != "" {
		pem, err := os.ReadFile(r.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read --ca-file: %w", err)
		}
		over.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !over.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read --ca-file %s: there is no certificate in it", r.CAFile)
		}
	}
	c.http = newHTTP(over)
	return c, nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// unreachable says that nobody answered: what was asked for has not happened, as far as is known.
type unreachable struct {
	where string
	err   error
}

func (u unreachable) Unwrap() error { return u.err }

func (u unreachable) Error() string {
	why := u.err
	var e *url.Error
	if errors.As(why, &e) {
		why = e.Err
	}
	text := fmt.Sprintf("wildfire-watch is not reached at %s: %v", u.where, why)
	switch {
	case errors.Is(u.err, fs.ErrNotExist):
		text = fmt.Sprintf("wildfire-watch is not reached: there is no %s; it does not run, or has another "+
			"configuration (--config)", u.where)
	case errors.Is(u.err, syscall.ECONNREFUSED):
		text = fmt.Sprintf("wildfire-watch does not run: nobody listens at %s", u.where)
	case errors.Is(u.err, fs.ErrPermission):
		text = fmt.Sprintf("%s may not be opened: use sudo, or be a member of the group wildfire-watch", u.where)
	case errors.Is(u.err, context.DeadlineExceeded):
		text = fmt.Sprintf("wildfire-watch at %s does not answer in time", u.where)
	}
	return text
}

// ask makes one exchange within askPatience and reads the answer into v, unless it is nil. An answer that
// is no success is an error, read into v all the same if it can be.
func (c *client) ask(ctx context.Context, method, path string, body, v any) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
	switch {
	case err != nil:
		return unreachable{c.where, err}
	case len(text) > mostAnswer:
		return fmt.Errorf("read %s: the answer is larger than %d bytes", path, mostAnswer)
	case response.StatusCode/100 != 2:
		if v != nil {
			_ = json.Unmarshal(text, v)
		}
		return c.refusal(response.StatusCode, path, text)
	case v == nil:
		return nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// send sends one request; its answer's body ends with ctx.
func (c *client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		request.SetBasicAuth(c.user, c.password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreachable{c.where, err}
	}
	return response, nil
}

// answered is an answer that is no success.
type answered struct {
	status int
	text   string
}

func (a answered) Error() string { return a.text }

func (c *client) refusal(status int, path string, body []byte) error {
	var said struct {
		Error, Reason, Do string
	}
	_ = json.Unmarshal(body, &said)
	text := fmt.Sprintf("%s answers %d %s", path, status, http.StatusText(status))
	switch {
	case status == http.StatusUnauthorized && c.user == "":
		text = "a login is wanted: --user NAME"
	case status == http.StatusUnauthorized:
		text = "the user or the password is wrong"
	case said.Error+said.Reason != "":
		text += ": " + clean(or(said.Error, said.Reason))
		if said.Do != "" {
			text += "; " + clean(said.Do)
		}
	}
	return answered{status, text}
}

// clean makes a text from outside fit for a terminal: no control character gets through.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
