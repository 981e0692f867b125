package mdns

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"wildfire-watch/protocol/announced"
)

// Decode reads the services in one datagram, in the order in which they appear; none if it tells of
// other things. Its error is a protocol.Reject.
func Decode(datagram []byte) ([]Service, error) {
	if len(datagram) > MaxMessage {
		return nil, TooLarge
	}
	datagram = slices.Clone(datagram)
	relabel(datagram, '.', innerDot)
	var p dnsmessage.Parser
	h, err := p.Start(datagram)
	if err != nil {
		return nil, NotDNS
	}
	if !h.Response || h.OpCode != 0 || h.RCode != dnsmessage.RCodeSuccess {
		return nil, NotAnswer
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, NotDNS
	}
	r := &reader{p: &p, left: maxRecords}
	r.section(p.AnswerHeader, p.SkipAnswer)
	if err := p.SkipAllAuthorities(); err == nil {
		r.section(p.AdditionalHeader, p.SkipAdditional)
	}
	return r.finish(), nil
}

// reader folds the records of one message into services.
type reader struct {
	p        *dnsmessage.Parser
	left     int // records that may still be read
	services []Service
	hosts    []host
}

// host is a device with its addresses.
type host struct {
	name  string
	addrs []netip.Addr
}

// section reads the records of one section, and goes past those that it cannot read.
func (r *reader) section(next func() (dnsmessage.ResourceHeader, error), skip func() error) {
	for r.left > 0 {
		h, err := next()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return
		}
		r.left--
		if err == nil && h.Class&^cacheFlush == dnsmessage.ClassINET && r.record(h) {
			continue
		}
		if skip() != nil {
			return
		}
	}
}

// record reads one record. False if it is still there to be skipped.
func (r *reader) record(h dnsmessage.ResourceHeader) bool {
	switch h.Type {
	case dnsmessage.TypePTR:
		ptr, err := r.p.PTRResource()
		if s := r.service(ptr.PTR.String()); err == nil && s != nil {
			s.Gone = s.Gone || h.TTL == 0
		}
		return err == nil
	case dnsmessage.TypeSRV:
		srv, err := r.p.SRVResource()
		if s := r.service(h.Name.String()); err == nil && s != nil {
			s.Port, s.Host = int(srv.Port), text(strings.ToLower(srv.Target.String()))
			s.Gone = s.Gone || h.TTL == 0
		}
		return err == nil
	case dnsmessage.TypeTXT:
		txt, err := r.p.TXTResource()
		if s := r.service(h.Name.String()); err == nil && s != nil {
			s.words(txt.TXT)
		}
		return err == nil
	case dnsmessage.TypeA:
		a, err := r.p.AResource()
		if err == nil {
			r.address(text(strings.ToLower(h.Name.String())), netip.AddrFrom4(a.A))
		}
		return err == nil
	}
	return false
}

// text is a name without its last dot, for people.
func text(name string) string {
	return announced.Text(strings.ReplaceAll(strings.TrimSuffix(name, "."), string(rune(innerDot)), "."))
}

// service is the service of this name; nil if the name is none of ours, or there is no room.
func (r *reader) service(name string) *Service {
	label, kind, ok := instance(name)
	if !ok {
		return nil
	}
	for i := range r.services {
		if strings.EqualFold(r.services[i].name, name) {
			return &r.services[i]
		}
	}
	if len(r.services) == MaxServices {
		return nil
	}
	r.services = append(r.services, Service{Kind: kind, Instance: text(label), name: name})
	return &r.services[len(r.services)-1]
}

func (r *reader) address(name string, a netip.Addr) {
	i := slices.IndexFunc(r.hosts, func(h host) bool { return h.name == name })
	if i < 0 {
		if len(r.hosts) == maxHosts {
			return
		}
		i = len(r.hosts)
		r.hosts = append(r.hosts, host{name: name})
	}
	if h := &r.hosts[i]; len(h.addrs) < maxAddrs && !slices.Contains(h.addrs, a) {
		h.addrs = append(h.addrs, a)
	}
}

// finish gives the services the addresses of their hosts.
func (r *reader) finish() []Service {
	for i := range r.services {
		s := &r.services[i]
		for _, h := range r.hosts {
			if s.Host != "" && h.name == s.Host {
				s.Addrs = slices.Clone(h.addrs)
			}
		}
	}
	return r.services
}

// words reads a TXT record. The first of a key counts, its case does not (RFC 6763 §6.4).
func (s *Service) words(txt []string) {
	var path, mac bool
	for _, t := range txt {
		key, value, _ := strings.Cut(t, "=")
		switch strings.ToLower(key) {
		case "path":
			if !path {
				s.Path, path = streamPath(value), true
			}
		case "macaddress", "mac":
			if !mac {
				s.MAC, mac = announced.MAC(value), true
			}
		}
	}
}

// streamPath is the path of a stream, from a path or a whole URL. Empty if it cannot be read.
func streamPath(value string) string {
	value = strings.TrimSpace(value)
	if u, err := url.Parse(value); err == nil && u.Scheme != "" && u.Host != "" {
		value = u.RequestURI()
	}
	if value == "" || len(value) >= MaxPath {
		return ""
	}
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			return ""
		}
	}
	return "/" + strings.TrimLeft(value, "/")
}
