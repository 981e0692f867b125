package arp

import "encoding/hex"

// MAC is an Ethernet address.
type MAC [addressSize]byte

// macText is how long a MAC is as text: "44:19:b6:0a:00:01".
const macText = addressSize*3 - 1

// String is lower case with ":".
func (m MAC) String() string {
	var text [macText]byte
	for i, b := range m {
		hex.Encode(text[i*3:], []byte{b})
		if i < addressSize-1 {
			text[i*3+2] = ':'
		}
	}
	return string(text[:])
}

// ParseMAC reads what String writes; upper case and "-" are taken too.
func ParseMAC(text string) (m MAC, ok bool) {
	if len(text) != macText {
		return MAC{}, false
	}
	for i := range m {
		if i > 0 && text[i*3-1] != ':' && text[i*3-1] != '-' {
			return MAC{}, false
		}
		if _, err := hex.Decode(m[i:i+1], []byte(text[i*3:i*3+2])); err != nil {
			return MAC{}, false
		}
	}
	return m, true
}

// Station says whether it may belong to one interface: not zero, and neither broadcast nor multicast,
// which have the lowest bit of the first byte set (IEEE 802.3 §3.2.3).
func (m MAC) Station() bool { return m != MAC{} && m[0]&1 == 0 }
