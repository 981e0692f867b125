package mdns

import "encoding/binary"

// innerDot stands for a dot inside of a label. People give devices names such as "Gate v1.2"
// (RFC 6763 §4.1.1 allows it), and dnsmessage refuses these, because it writes names with dots.
const innerDot = 0x1f

const (
	headerSize = 12
	fixedSize  = 10 // of a record, between its name and its data
	typePTR    = 12
	typeSRV    = 33
	beforeName = 6 // of the data of an SRV record
)

// relabel replaces a byte in all labels of a message, in place. It follows no pointer: each label is
// written out somewhere. It stops where the message is broken, and leaves the rest as it is.
func relabel(m []byte, from, to byte) {
	if len(m) < headerSize {
		return
	}
	questions := int(binary.BigEndian.Uint16(m[4:]))
	records := int(binary.BigEndian.Uint16(m[6:])) + int(binary.BigEndian.Uint16(m[8:])) + int(binary.BigEndian.Uint16(m[10:]))
	at := headerSize
	for range questions {
		if at = relabelName(m, at, from, to); at < 0 {
			return
		}
		at += 4
	}
	for range records {
		if at = relabelName(m, at, from, to); at < 0 || at+fixedSize > len(m) {
			return
		}
		kind, data := binary.BigEndian.Uint16(m[at:]), at+fixedSize
		at = data + int(binary.BigEndian.Uint16(m[at+8:]))
		switch {
		case at > len(m):
			return
		case kind == typePTR:
			relabelName(m[:at], data, from, to)
		case kind == typeSRV:
			relabelName(m[:at], data+beforeName, from, to)
		}
	}
}

// relabelName goes over one name and returns where it ends, -1 if the message ends before.
func relabelName(m []byte, at int, from, to byte) int {
	for at < len(m) {
		n := int(m[at])
		switch {
		case n == 0:
			return at + 1
		case n >= 0xC0:
			return at + 2
		case n > 63 || at+1+n > len(m):
			return -1
		}
		for i := at + 1; i <= at+n; i++ {
			if m[i] == from {
				m[i] = to
			}
		}
		at += 1 + n
	}
	return -1
}
