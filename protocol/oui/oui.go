// Package oui knows which maker of cameras a MAC belongs to, by the prefix that the IEEE gave out.
//
// It promises a short name without legal forms, the same for every prefix of a maker, and nothing for
// a MAC of no such maker or one that is not from a factory. It must never be taken for proof that a
// host is a camera: a MAC can be made up, and most makers sell other things too.
package oui

import (
	"slices"

	"wildfire-watch/protocol/arp"
)

//go:generate go test -tags generate -run TestGenerate -count 1 .

// prefix is one registration: 48 bits with the prefix at the upper end, then 8 bits of its length in
// bits, then 8 bits of index into makers. Sorted, so that it is found by halving.
type prefix uint64

// The lengths of prefixes that the IEEE gives out: MA-S, MA-M, MA-L.
var lengths = [...]uint{36, 28, 24}

func prefixOf(mac uint64, bits uint, maker int) prefix {
	mac &^= 1<<(48-bits) - 1
	return prefix(mac<<16 | uint64(bits)<<8 | uint64(maker))
}

// Maker is who made the interface with this MAC, as far as it makes cameras: "Hikvision"; empty:
// unknown. MACs are as arp.ParseMAC reads them.
func Maker(mac string) string {
	m, ok := find(mac)
	if !ok {
		return ""
	}
	return makers[m].name
}

// OnlyCameras says whether the maker of this MAC sells hardly anything but cameras and their recorders.
// Such a host is worth a second look when nothing answers. False for a maker that also sells routers,
// printers or telephones.
func OnlyCameras(mac string) bool {
	m, ok := find(mac)
	return ok && makers[m].only
}

func find(mac string) (maker int, ok bool) {
	m, ok := arp.ParseMAC(mac)
	if !ok {
		return 0, false
	}
	var number uint64
	for _, b := range m {
		number = number<<8 | uint64(b)
	}
	for _, bits := range lengths {
		at, _ := slices.BinarySearch(prefixes[:], prefixOf(number, bits, 0))
		if at < len(prefixes) && prefixes[at]>>8 == prefixOf(number, bits, 0)>>8 {
			return int(prefixes[at] & 0xff), true
		}
	}
	return 0, false
}
