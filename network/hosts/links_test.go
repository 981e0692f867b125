package hosts

import (
	"slices"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

// port is an interface that is up and speaks Ethernet.
func port(index int, name, kind string, nets ...string) device {
	return device{index: index, name: name, kind: kind, mac: "02:00:00:00:00:01", nets: nets, ethernet: true, up: true}
}

func (d device) of(master int) device  { d.master = master; return d }
func (d device) on(parent int) device  { d.parent = parent; return d }
func (d device) out() device           { d.outward = true; return d }
func (d device) down() device          { d.up = false; return d }
func (d device) withoutARP() device    { d.ethernet = false; return d }
func names(l []protocol.Link) []string { return slices.Sorted(valuesOf(l)) }

func valuesOf(links []protocol.Link) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, l := range links {
			if !yield(l.Name) {
				return
			}
		}
	}
}

var lo = device{index: 1, name: "lo", up: true, nets: []string{"127.0.0.1/8"}}

var machines = []struct {
	name string
	all  interfaces
	want []string
}{
	{"a Pi on cable and Wi-Fi", interfaces{lo, port(2, "eth0", "", "192.168.1.10/24").out(), port(3, "wlan0", "", "192.168.1.11/24")}, []string{"eth0", "wlan0"}},
	{"a Pi whose cable is out", interfaces{lo, port(2, "eth0", "").down(), port(3, "wlan0", "", "192.168.1.11/24").out()}, []string{"wlan0"}},
	{"USB Ethernet without an address beside one that has it", interfaces{port(2, "eth0", "", "10.0.0.2/24"), port(3, "enx001122334455", "")}, []string{"eth0"}},
	{"Docker beside it", interfaces{port(2, "eth0", "", "10.0.0.2/24").out(), port(3, "docker0", "bridge", "172.17.0.1/16"),
		port(4, "veth12ab", "veth").of(3), port(5, "br-9f", "bridge", "172.18.0.1/16"), port(6, "veth77", "veth").of(5)}, []string{"eth0"}},
	{"a container's cable without a bridge", interfaces{port(2, "eth0", "", "10.0.0.2/24").out(), port(4, "ve-web", "veth", "10.0.9.1/28")}, []string{"eth0"}},
	{"tunnels", interfaces{port(2, "eth0", "", "10.0.0.2/24"), port(3, "wg0", "wireguard", "10.9.0.1/24").withoutARP(), port(4, "tap0", "tun", "10.8.0.1/24").out(),
		port(5, "vxlan1", "vxlan", "10.7.0.1/24"), port(6, "dummy0", "dummy", "10.6.0.1/24"), port(7, "ppp0", "", "10.5.0.1/32").withoutARP()}, []string{"eth0"}},
	{"VLANs", interfaces{port(2, "eth0", ""), port(3, "eth0.10", "vlan", "10.0.10.2/24").on(2), port(4, "eth0.20", "vlan", "10.0.20.2/24").on(2)}, []string{"eth0.10", "eth0.20"}},
	{"a bond", interfaces{port(2, "eth0", "").of(4), port(3, "eth1", "").of(4), port(4, "bond0", "bond", "10.0.0.2/24")}, []string{"bond0"}},
	{"a bridge with a wire", interfaces{port(2, "eth0", "").of(3), port(3, "br0", "bridge", "10.0.0.2/24").out(), port(4, "vnet0", "tun").of(3)}, []string{"br0"}},
	{"a VLAN on a bridge on a bond", interfaces{port(2, "eth0", "").of(3), port(3, "bond0", "bond").of(4), port(4, "br0", "bridge"), port(5, "br0.7", "vlan", "10.0.7.2/24").on(4)}, []string{"br0.7"}},
	{"a MAC of its own on a wire", interfaces{port(2, "eth0", ""), port(3, "mac0", "macvlan", "10.0.0.3/24").on(2)}, []string{"mac0"}},
	{"a namespace", interfaces{lo, port(2, "eth0", "veth", "10.77.0.2/24").out()}, []string{"eth0"}},
	{"a namespace without a way out", interfaces{lo, port(2, "eth0", "veth", "10.77.0.2/24")}, []string{"eth0"}},
	{"a namespace with a VLAN", interfaces{port(2, "eth0", "veth", "10.77.0.2/24").out(), port(3, "eth0.10", "vlan", "10.78.0.2/24").on(2)}, []string{"eth0", "eth0.10"}},
	{"a container with macvlan", interfaces{port(2, "eth0", "macvlan", "10.0.0.3/24").out()}, []string{"eth0"}},
	{"containers in a container", interfaces{port(2, "eth0", "veth", "172.17.0.2/16").out(), port(3, "docker0", "bridge", "172.18.0.1/16"), port(4, "veth1", "veth").of(3)}, []string{"eth0"}},
	{"a namespace with a way out beside a wire", interfaces{port(2, "eth0", "veth", "10.77.0.2/24").out(), port(3, "usb0", "", "10.1.0.2/24")}, []string{"eth0", "usb0"}},
	{"rings", interfaces{port(2, "a", "bridge", "10.0.0.2/24").of(3), port(3, "b", "bridge", "10.0.1.2/24").of(2), port(4, "c", "vlan", "10.0.2.2/24").on(4)}, nil},
	{"nothing", interfaces{lo}, nil},
}

func TestLinksThatLeadToAWire(t *testing.T) {
	for _, m := range machines {
		if got := names(m.all.choose()); !slices.Equal(got, m.want) {
			t.Errorf("%s: %q, want %q", m.name, got, m.want)
		}
	}
}

func TestNamedLinksCountWhateverTheyAre(t *testing.T) {
	all := interfaces{lo, port(2, "eth0", "", "10.0.0.2/24"), port(3, "docker0", "bridge", "172.17.0.1/16"), port(4, "eth1", "", "10.1.0.2/24").down(), port(5, "eth2", "")}
	got, err := all.named([]string{"docker0", "eth0", "docker0"})
	if err != nil || !slices.Equal(names(got), []string{"docker0", "eth0"}) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = all.named([]string{"eth0", "eth1", "eth2", "lo", "wlan9"})
	if !slices.Equal(names(got), []string{"eth0"}) {
		t.Errorf("what can be used: %v", got)
	}
	for _, why := range []string{`"eth1": it is down`, `"eth2": it has no IPv4`, `"lo": it does not speak`, `"wlan9": there is none`} {
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v does not say %s", err, why)
		}
	}
}

func TestLinksOfThisMachineCanBeRead(t *testing.T) {
	all, err := readInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(d device) bool { return d.name == "lo" })
	if at < 0 || all[at].ethernet {
		t.Errorf("no loopback, or it speaks ARP: %+v", all)
	}
	if _, err := Links(nil); err != nil {
		t.Error(err)
	}
}
