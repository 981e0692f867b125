package onvif

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// DecodeClock reads the answer to DateAndTime: the time that the device calls UTC, to the second. That
// is what it holds a login's time against, even where it is local time under a wrong name. A device
// that tells local time alone is read by its time zone; without one, as if it were UTC.
func DecodeClock(r io.Reader) (time.Time, error) {
	var utc, local stamp
	var zone string
	var summer bool
	err := answer(r, "GetSystemDateAndTimeResponse", visitor{end: func(p path, text string) bool {
		text = strings.TrimSpace(text)
		switch {
		case len(p) > 2 && p[1] == "UTCDateTime":
			utc.take(p[2:], text)
		case len(p) > 2 && p[1] == "LocalDateTime":
			local.take(p[2:], text)
		case p.is("TimeZone", "TZ"):
			zone = text
		case p.is("DaylightSavings"):
			summer = text == "true" || text == "1"
		}
		return false
	}})
	if err != nil {
		return time.Time{}, err
	}
	if t, ok := utc.time(); ok {
		return t, nil
	}
	t, ok := local.time()
	if !ok {
		return time.Time{}, NotTold
	}
	if west, ok := west(zone); ok {
		t = t.Add(west)
		if summer {
			t = t.Add(-time.Hour)
		}
	}
	return t, nil
}

// stamp is a date and a time of day as they are read: year, month, day, hour, minute, second.
type stamp struct {
	fields [6]int
	told   [6]bool
}

var stampFields = [6]struct {
	name        string
	least, most int
}{{"Year", 1970, 2200}, {"Month", 1, 12}, {"Day", 1, 31}, {"Hour", 0, 23}, {"Minute", 0, 59}, {"Second", 0, 60}}

func (s *stamp) take(p path, text string) {
	for i, f := range stampFields {
		if n, err := strconv.Atoi(text); p.is(f.name) && err == nil && n >= f.least && n <= f.most {
			s.fields[i], s.told[i] = n, true
		}
	}
}

func (s *stamp) time() (time.Time, bool) {
	f := s.fields
	return time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC), s.told == [6]bool{true, true, true, true, true, true}
}

// west is how far a POSIX time zone ("CST-8", "<+03>-3", "EST5EDT,M3.2.0,…") lies west of UTC in its
// standard time; it is added to local time to get UTC.
func west(zone string) (time.Duration, bool) {
	if name, rest, quoted := strings.Cut(zone, ">"); quoted && strings.HasPrefix(name, "<") {
		zone = rest
	}
	zone = strings.TrimLeft(zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	sign := time.Duration(1)
	if rest, minus := strings.CutPrefix(zone, "-"); minus {
		sign, zone = -1, rest
	} else {
		zone = strings.TrimPrefix(zone, "+")
	}
	if end := strings.IndexFunc(zone, func(r rune) bool { return (r < '0' || r > '9') && r != ':' }); end >= 0 {
		zone = zone[:end]
	}
	hours, minutes, _ := strings.Cut(zone, ":")
	minutes, _, _ = strings.Cut(minutes, ":")
	h, err := strconv.Atoi(hours)
	if err != nil || h > 24 {
		return 0, false
	}
	m, err := strconv.Atoi(minutes)
	if err != nil || m > 59 {
		m = 0
	}
	return sign * (time.Duration(h)*time.Hour + time.Duration(m)*time.Minute), true
}
