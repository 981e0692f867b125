package announced

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWordsAreShortAndPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"Front Door":                    "Front Door",
		"  Front \t\r\n Door  ":         "Front Door",
		"\x1b[31mred\x00":               "[31mred",
		"gate\xff\xfe7":                 "gate7",
		"abc\u202edcba":                 "abcdcba",
		"Kamera Süd 摄像头":                "Kamera Süd 摄像头",
		strings.Repeat("x", 200):        strings.Repeat("x", 128),
		strings.Repeat("ü", 65):         strings.Repeat("ü", 64),
		strings.Repeat("x", 127) + "ü1": strings.Repeat("x", 127),
		strings.Repeat("x", 127) + " y": strings.Repeat("x", 127),
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestHardwareAddressesHaveOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"00408C0A0009":              "00:40:8c:0a:00:09",
		"00:40:8c:0a:00:09":         "00:40:8c:0a:00:09",
		" 00-40-8C-0A-00-09 ":       "00:40:8c:0a:00:09",
		"0040.8c0a.0009":            "00:40:8c:0a:00:09",
		"":                          "",
		"00408C0A00":                "",
		"00408C0A000G":              "",
		"000000000000":              "", // not set
		"ffffffffffff":              "", // everybody
		"01005e7fffff":              "", // a group
		"00:40:8c:0a:00:09:11":      "",
		strings.Repeat("00408C", 9): "",
	} {
		if got := MAC(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("Front \x00Door\u202e")
	f.Add("00-40-8C-0A-00-09")
	f.Fuzz(func(t *testing.T, s string) {
		text := Text(s)
		if len(text) > MaxText || !utf8.ValidString(text) || Text(text) != text {
			t.Errorf("%q: %q", s, text)
		}
		for _, r := range text {
			if !unicode.IsPrint(r) {
				t.Errorf("%q: %q holds %U", s, text, r)
			}
		}
		if mac := MAC(s); mac != "" && (len(mac) != 17 || MAC(mac) != mac) {
			t.Errorf("%q: %q", s, mac)
		}
	})
}
