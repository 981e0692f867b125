package camera

import (
	"unicode"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// longest is how many bytes a name or an id from outside may have.
const longest = 128

// presentable says whether a name from outside may become ours.
func presentable(name string) bool {
	if name == "" || len(name) > longest || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// canonical is the form of a name in which it is looked up: a MAC in one spelling, all else as is.
func canonical(name string) string {
	if mac, ok := protocol.ParseMAC(name); ok {
		return mac
	}
	return name
}
