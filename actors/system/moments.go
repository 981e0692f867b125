package system

import (
	"reflect"
	"slices"
	"strings"
)

// Moment is when a key's new value can be taken up.
type Moment uint8

// The moments.
const (
	AtRestart Moment = iota // not before the program starts anew
	WhenIdle                // while the pump is in IDLE: no duration of it is running
	AtOnce
)

// moments says of each key when. A key that ends with a dot stands for all below it that have no row of
// their own. Why a row is AtRestart stands beside it. Size budget: a table, read as a whole.
var moments = map[string]Moment{
	"site.":          AtRestart, // told in every report from the first on
	"mqtt.":          AtRestart, // connections, wills and subscriptions
	"broker.":        AtRestart, // a listener
	"broker.users":   AtOnce,
	"http.":          AtRestart, // a listener
	"http.users":     AtOnce,
	"journal.":       AtRestart, // a folder that is locked, and what was decided at the start
	"watchdog.":      AtRestart, // the device is held
	"simulator.":     AtRestart, // the plant is built
	"homeassistant.": AtRestart, // an actor that is there or not, and a subscription
	"cameras.*.":     AtRestart, // names that votes, frames and logins hang on

	"frigate.topic_prefix": AtRestart, // subscriptions
	"frigate.api":          AtRestart, // asked at the start
	"frigate.ask_interval": AtOnce,

	"cameras.discovery":             AtRestart, // an actor that is there or not
	"cameras.interfaces":            AtRestart, // listened on
	"cameras.credentials_file":      AtRestart, // its path; what is in it is read again each minute
	"cameras.network":               AtOnce,
	"cameras.wide_scan":             AtOnce,
	"cameras.arp_rate":              AtOnce,
	"cameras.ports":                 AtOnce,
	"cameras.discovery_interval":    AtOnce,
	"cameras.steady_state_interval": AtOnce,
	"cameras.health_check_interval": AtOnce,
	"cameras.offline_threshold":     AtOnce,
	"cameras.rtsp_timeout":          AtOnce,
	"cameras.onvif_timeout":         AtOnce,
	"cameras.frame_check":           AtOnce,

	"consensus.": AtOnce,

	"pump.":                      WhenIdle,
	"pump.ignition_off_duration": AtRestart, // the guard process and the watchdogs were given it

	"gpio.":               AtRestart, // lines, their resistors and debounce are with the kernel
	"gpio.verify_timeout": WhenIdle,
	"gpio.verify_grace":   WhenIdle,
	"gpio.write_attempts": WhenIdle,
	"gpio.deadman":        AtRestart, // the guard process and the watchdogs were given it

	"alarms.":    AtOnce,
	"telemetry.": AtOnce,
	"log.":       AtOnce,
}

// momentOf is when a key can be taken up; known is false for one without a row.
func momentOf(key string) (when Moment, known bool) {
	if when, known = moments[key]; known {
		return when, true
	}
	section, rest, _ := strings.Cut(key, ".")
	if strings.Contains(rest, ".") { // of a sub-table, whose name may have dots in quotes
		if when, known = moments[section+".*."]; known {
			return when, true
		}
	}
	when, known = moments[section+"."]
	return when, known
}

// Change is one key whose value differs.
type Change struct {
	Key  string
	When Moment
}

// Difference lists the keys in which two configurations differ, sorted.
func Difference(before, after Config) (all []Change) {
	a, b := values(&before), values(&after)
	for key, value := range b {
		if was, ok := a[key]; !ok || !reflect.DeepEqual(was, value) {
			all = append(all, changeOf(key))
		}
	}
	for key := range a {
		if _, ok := b[key]; !ok {
			all = append(all, changeOf(key))
		}
	}
	slices.SortFunc(all, func(x, y Change) int { return strings.Compare(x.Key, y.Key) })
	return all
}

// changeOf takes a key without a row for one that needs a restart: a test sees to it that there is none.
func changeOf(key string) Change {
	when, _ := momentOf(key)
	return Change{key, when}
}

// values are all values of a configuration by key. A key that fills several fields has the same in each;
// an empty list or table is none.
func values(c *Config) map[string]any {
	all := make(map[string]any)
	schemaOf(c).fields(func(key string, f field) {
		switch k := f.value.Kind(); {
		case (k == reflect.Slice || k == reflect.Map) && f.value.Len() == 0:
			all[key] = nil
		default:
			all[key] = f.value.Interface()
		}
	})
	return all
}

// with is the configuration with those of another's values that take says yes to. Sub-tables stay: their
// keys need a restart.
func (c Config) with(other Config, take func(Moment) bool) Config {
	from := schemaOf(&other)
	schemaOf(&c).fields(func(key string, f field) {
		section, name, _ := strings.Cut(key, ".")
		s := from.sections[section]
		if when, _ := momentOf(key); s == nil || s.keys[name] == nil || !take(when) {
			return
		}
		for _, o := range s.keys[name] {
			if o.value.Type() == f.value.Type() {
				f.value.Set(o.value)
				return
			}
		}
	})
	return c
}
