package oui

import (
	"slices"
	"strings"
	"testing"

	"wildfire-watch/protocol/arp"
)

func TestMakersOfKnownMACs(t *testing.T) {
	for mac, want := range map[string]struct {
		maker string
		only  bool
	}{
		// The hosts of the camera lab, whose prefixes are real.
		"44:19:b6:0a:00:01": {"Hikvision", true}, "3c:ef:8c:0a:00:02": {"Dahua", true}, "ec:71:db:0a:00:03": {"Reolink", true},
		"00:07:5f:0a:00:04": {"Bosch", true}, "48:ea:63:0a:00:06": {"Uniview", true}, "00:02:d1:0a:00:08": {"Vivotek", true},
		"00:40:8c:0a:00:09": {"Axis", true}, "9c:8e:cd:0a:00:10": {"Amcrest", true}, "2c:aa:8e:0a:00:11": {"Wyze", false},
		"00:09:18:0a:00:12": {"Hanwha", true},
		// Its other hosts: a computer, a Pi, a printer behind a maker of routers, a NAS, made-up ones.
		"00:15:5d:0b:00:01": {}, "b8:27:eb:0b:00:02": {}, "1c:61:b4:0b:00:03": {"TP-Link", false}, "00:11:32:0b:00:05": {},
		"02:de:ad:0b:00:04": {}, "02:00:5e:00:00:01": {},
		// Others, and other ways to write them.
		"44-19-B6-FF-FF-FF": {"Hikvision", true}, "00:03:C5:00:00:00": {"Mobotix", true}, "00:18:85:01:02:03": {"Avigilon", true},
		"00:04:7d:01:02:03": {"Pelco", true}, "c4:d6:55:01:02:03": {"Foscam", true}, "fc:ec:da:01:02:03": {"Ubiquiti", false},
		"74:ab:93:01:02:03": {"Blink", true},
		// A block of 28 bits, and its neighbour in the same 24.
		"a4:da:22:2f:00:01": {"Wyze", false}, "a4:da:22:3f:00:01": {},
		"": {}, "44:19:b6": {}, "nonsense": {}, "ff:ff:ff:ff:ff:ff": {}, "00:00:00:00:00:00": {},
	} {
		if got, only := Maker(mac), OnlyCameras(mac); got != want.maker || only != want.only {
			t.Errorf("%s: %q, only cameras %v; want %q, %v", mac, got, only, want.maker, want.only)
		}
	}
}

func TestTheTableIsSound(t *testing.T) {
	if !slices.IsSorted(prefixes[:]) || len(slices.Compact(slices.Clone(prefixes[:]))) != len(prefixes) {
		t.Error("the prefixes are not sorted, or double: run go generate")
	}
	if len(makers) > 256 {
		t.Errorf("%d makers do not fit into 8 bits", len(makers))
	}
	of := make(map[int]int)
	for _, p := range prefixes {
		maker, bits, number := int(p&0xff), uint(p>>8&0xff), uint64(p>>16)
		if maker >= len(makers) || !slices.Contains(lengths[:], bits) || prefixOf(number, bits, maker) != p {
			t.Fatalf("%#x is no prefix", uint64(p))
		}
		of[maker]++
		var m arp.MAC
		for i := range m {
			m[i] = byte(number >> (40 - 8*i))
		}
		if got := Maker(m.String()); got != makers[maker].name {
			t.Errorf("%v: %q, want %q", m, got, makers[maker].name)
		}
	}
	names := make(map[string]bool)
	for i, m := range makers {
		if names[m.name] || m.name == "" || len(m.registered) == 0 {
			t.Errorf("%q is double or has no registered name", m.name)
		}
		names[m.name] = true
		for _, r := range m.registered {
			if r != strings.ToLower(r) {
				t.Errorf("%s: %q is not lower case", m.name, r)
			}
		}
		// Annke has none: its cameras carry Hikvision's.
		if of[i] == 0 && m.name != "Annke" {
			t.Errorf("%s has no prefix: run go generate", m.name)
		}
	}
}

func TestALookUpAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Maker("44:19:b6:0a:00:01") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMaker(f *testing.F) {
	f.Add("44:19:b6:0a:00:01")
	f.Add("A4-DA-22-2F-00-01")
	f.Add("nonsense")
	f.Fuzz(func(t *testing.T, mac string) {
		m, ok := arp.ParseMAC(mac)
		if maker := Maker(mac); maker != Maker(m.String()) && ok || maker != "" && !ok {
			t.Fatalf("%q: %q", mac, maker)
		}
	})
}

func BenchmarkMaker(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if Maker("00:09:18:0a:00:12") == "" {
			b.Fatal("unknown")
		}
	}
}
