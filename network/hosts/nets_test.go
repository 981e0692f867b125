package hosts

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

func address(s string) netip.Addr { return netip.MustParseAddr(s) }

func linkWith(nets ...string) protocol.Link {
	return protocol.Link{Name: "eth0", Index: 2, MAC: "02:00:5e:00:00:02", Nets: nets}
}

func TestSubnetsToSweep(t *testing.T) {
	for name, c := range map[string]struct {
		nets           []string
		wide           bool
		sweep, skipped string
	}{
		"a home":                    {[]string{"192.168.1.10/24"}, false, "[192.168.1.0/24]", "[]"},
		"a /20 is just narrow":      {[]string{"10.0.16.1/20"}, false, "[10.0.16.0/20]", "[]"},
		"a /19 is not":              {[]string{"10.0.16.1/19"}, false, "[]", "[10.0.0.0/19]"},
		"unless asked":              {[]string{"10.0.16.1/19"}, true, "[10.0.0.0/19]", "[]"},
		"two addresses of one":      {[]string{"10.0.0.1/24", "10.0.0.2/24"}, false, "[10.0.0.0/24]", "[]"},
		"two subnets":               {[]string{"10.0.0.1/24", "169.254.7.7/16"}, false, "[10.0.0.0/24]", "[169.254.0.0/16]"},
		"one inside of another":     {[]string{"10.0.0.1/24", "10.0.0.2/22"}, false, "[10.0.0.0/22]", "[]"},
		"the other way round":       {[]string{"10.0.0.2/22", "10.0.0.1/24"}, false, "[10.0.0.0/22]", "[]"},
		"between two hosts":         {[]string{"10.0.0.0/31"}, false, "[10.0.0.0/31]", "[]"},
		"alone":                     {[]string{"10.0.0.1/32"}, true, "[]", "[]"},
		"what is no IPv4 is passed": {[]string{"fe80::1/64", "nonsense", ""}, true, "[]", "[]"},
	} {
		sweep, skipped := Nets(linkWith(c.nets...), c.wide)
		if fmt.Sprint(sweep) != c.sweep || fmt.Sprint(skipped) != c.skipped {
			t.Errorf("%s: %v and %v", name, sweep, skipped)
		}
	}
}

func TestTargetsAreHosts(t *testing.T) {
	for net, want := range map[string]struct {
		count       int
		first, last string
	}{
		"192.168.1.77/24": {254, "192.168.1.1", "192.168.1.254"}, "10.0.0.0/20": {4094, "10.0.0.1", "10.0.15.254"},
		"10.0.0.4/30": {2, "10.0.0.5", "10.0.0.6"}, "10.0.0.4/31": {2, "10.0.0.4", "10.0.0.5"}, "10.0.0.4/32": {1, "10.0.0.4", "10.0.0.4"},
		"255.255.255.255/32": {1, "255.255.255.255", "255.255.255.255"},
	} {
		got := slices.Collect(targets(netip.MustParsePrefix(net)))
		if len(got) != want.count || got[0].String() != want.first || got[len(got)-1].String() != want.last {
			t.Errorf("%s: %d from %v to %v", net, len(got), got[0], got[len(got)-1])
		}
	}
	for _, none := range []netip.Prefix{{}, netip.MustParsePrefix("fe80::/64")} {
		for ip := range targets(none) {
			t.Errorf("%v has %v", none, ip)
			break
		}
	}
}

func TestEachSubnetIsAskedFromItsOwnAddress(t *testing.T) {
	a, err := newAsker(linkWith("10.0.0.5/16", "10.0.1.7/24", "192.168.0.0/31", "172.16.0.1/32"))
	if err != nil {
		t.Fatal(err)
	}
	for target, from := range map[string]string{
		"10.0.9.9": "10.0.0.5", "10.0.1.9": "10.0.1.7", "192.168.0.1": "192.168.0.0",
		"10.0.0.5": "", "10.0.1.7": "", "192.168.0.0": "", "172.16.0.1": "", // ours
		"10.0.0.0": "", "10.0.255.255": "", "10.0.1.0": "", "10.0.1.255": "", // edges
		"10.1.0.1": "", "8.8.8.8": "", "0.0.0.0": "", "255.255.255.255": "", "::1": "", // elsewhere
	} {
		q := a.may(address(target))
		if (q != nil) != (from != "") {
			t.Errorf("%s: asked %v, want from %q", target, q != nil, from)
			continue
		}
		if q == nil {
			continue
		}
		frame, err := q.Ask(address(target))
		if err != nil {
			t.Fatal(err)
		}
		var r arp.Reader
		if h, err := r.Read(frame); err != nil || h.IP.String() != from {
			t.Errorf("%s is asked for from %v, want %s: %v", target, h.IP, from, err)
		}
	}
	for _, bad := range []protocol.Link{linkWith(), {Name: "eth0", MAC: "none", Nets: []string{"10.0.0.1/24"}}} {
		if _, err := newAsker(bad); err == nil {
			t.Errorf("%+v may ask", bad)
		}
	}
}

func FuzzNets(f *testing.F) {
	f.Add("10.0.0.1/24", "10.0.0.2/22", "10.0.9.9")
	f.Add("0.0.0.0/0", "255.255.255.255/32", "255.255.255.255")
	f.Fuzz(func(t *testing.T, one, two, target string) {
		l := linkWith(one, two)
		sweep, skipped := Nets(l, false)
		a, err := newAsker(l)
		for _, n := range sweep {
			if n.Bits() < WidestNet || err != nil || !a.knows(n) {
				t.Fatalf("%v of %v: %v", n, l.Nets, err)
			}
			asked := 0
			for ip := range targets(n) {
				if asked++; !n.Contains(ip) || asked > 1<<(32-WidestNet) {
					t.Fatalf("%v of %v", ip, n)
				}
			}
		}
		for _, n := range skipped {
			if n.Bits() >= WidestNet {
				t.Fatalf("%v is skipped", n)
			}
		}
		if ip, wrong := netip.ParseAddr(target); wrong == nil && err == nil {
			a.may(ip)
		}
	})
}
