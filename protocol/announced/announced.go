// Package announced reads the words that devices say of themselves: names, models, hardware addresses.
//
// It promises that what it returns is short, printable and valid, whatever came in.
// It must never refuse a device for its words: a word that cannot be read is left out.
package announced

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is how long a text may be, in bytes (protocol.Sighting).
const MaxText = 128

// Text is s with runs of white space made one space and everything else that is not printable left
// out, cut to MaxText bytes between two characters. Bidirectional marks are not printable.
func Text(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			gap = b.Len() > 0
			continue
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			continue
		}
		size := utf8.RuneLen(r)
		if gap {
			size++
		}
		if b.Len()+size > MaxText {
			break
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// macDigits are the hexadecimal digits of a hardware address.
const macDigits = 12

// MAC is a hardware address in lower case with colons, from twelve hexadecimal digits with or without
// separators between them. Empty for anything else, for a group address and for all zeros.
func MAC(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > macDigits+macDigits/2 {
		return ""
	}
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.ToLower(s))
	if len(digits) != macDigits || strings.Trim(digits, "0123456789abcdef") != "" || strings.Trim(digits, "0") == "" {
		return ""
	}
	if strings.IndexByte("13579bdf", digits[1]) >= 0 { // the group bit
		return ""
	}
	var b strings.Builder
	for i := 0; i < macDigits; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}
