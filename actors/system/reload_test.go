package system

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/actors/camera"
	"wildfire-watch/protocol"
)

func loaded(t *testing.T, sets ...string) Config {
	t.Helper()
	c, mistakes, err := Load(defaults(t), "", append([]string{"gpio.board=simulator"}, sets...))
	if err != nil || Wrong(mistakes) {
		t.Fatalf("%v: %v, %+v", sets, err, mistakes)
	}
	return c
}

// keysOf are all keys that there are, those of a camera's table too.
func keysOf(t *testing.T) (keys []string) {
	t.Helper()
	c := loaded(t, "cameras.north.detect=1280x720", "cameras.north.mac=02:00:00:00:00:01", "cameras.north.aliases=a")
	schemaOf(&c).fields(func(key string, _ field) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	})
	if len(keys) < 150 {
		t.Fatalf("only %d keys", len(keys))
	}
	return keys
}

// TestEveryKeyHasItsMoment: whoever adds a key says when it can be taken up, in moments.
func TestEveryKeyHasItsMoment(t *testing.T) {
	used := map[string]bool{}
	for _, key := range keysOf(t) {
		if _, known := momentOf(key); !known {
			t.Errorf("%s has no row in the table of moments", key)
		}
		section, rest, _ := strings.Cut(key, ".")
		used[key], used[section+"."] = true, true
		if strings.Contains(rest, ".") {
			used[section+".*."] = true
		}
	}
	for row := range moments {
		if !used[row] {
			t.Errorf("the row %s of the table of moments is of no key", row)
		}
	}
}

// alter gives a field another value.
func alter(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Slice:
		v.Set(reflect.Append(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, 0), v), reflect.Zero(v.Type().Elem())))
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		m.SetMapIndex(reflect.ValueOf("other"), reflect.ValueOf([]string{"x"}))
		v.Set(m)
	case reflect.Struct:
		alter(v.Field(0))
	}
}

// TestEachKeyIsSeenAloneAndTakenAtItsMomentOnly changes every key of the configuration, one by one.
func TestEachKeyIsSeenAloneAndTakenAtItsMomentOnly(t *testing.T) {
	before := loaded(t)
	seen := map[string]bool{}
	schemaOf(&before).fields(func(key string, _ field) { seen[key] = true })
	for key := range seen {
		after := loaded(t)
		schemaOf(&after).fields(func(k string, f field) {
			if k == key {
				alter(f.value)
			}
		})
		when, _ := momentOf(key)
		if got := Difference(before, after); !slices.Equal(got, []Change{{key, when}}) {
			t.Errorf("%s altered: %+v", key, got)
		}
		for _, moment := range []Moment{AtRestart, WhenIdle, AtOnce} {
			merged := before.with(after, func(m Moment) bool { return m == moment })
			want := before
			if moment == when {
				want = after
			}
			if got := Difference(want, merged); len(got) > 0 {
				t.Errorf("%s (%d) taken at %d: %+v", key, when, moment, got)
			}
		}
	}
	if !reflect.DeepEqual(before, loaded(t)) {
		t.Error("a configuration was written to that is in use")
	}
}

func TestCamerasThatComeAndGoAreNamed(t *testing.T) {
	bare, named := loaded(t), loaded(t)
	named.Cameras.Known = map[string]camera.Known{"no.rth": {Detect: "640x480"}}
	want := []Change{{`cameras."no.rth".aliases`, AtRestart}, {`cameras."no.rth".detect`, AtRestart}, {`cameras."no.rth".mac`, AtRestart}}
	if got := Difference(bare, named); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := Difference(named, bare); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	p := planFor(bare, named)
	if len(p.restart) != 3 || len(Difference(bare, p.target)) > 0 {
		t.Errorf("%+v", p)
	}
}

func TestWhatIsPossibleOnlyWithARestartIsRefused(t *testing.T) {
	before := loaded(t)
	after := loaded(t, "pump.fire_in_lockout=start", "gpio.flow=21", "pump.crank_rest=20s", "consensus.threshold=3")
	o := planFor(before, after).outcome()
	reason := `without the keys that need a restart: pump.fire_in_lockout must be "refuse" unless gpio.flow or ` +
		`gpio.line_pressure is configured: without one nothing sees the pump run dry`
	want := protocol.SettingsOutcome{Applied: []string{"consensus.threshold"}, Restart: []string{"gpio.flow"},
		Refused:  []protocol.SettingRefused{{Key: "pump.crank_rest", Reason: reason}, {Key: "pump.fire_in_lockout", Reason: reason}},
		Mistakes: []string{}}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("%+v\nwant\n%+v", o, want)
	}
	// Times that only the simulator may have do not reach real lines with the board that waits.
	real := before
	real.GPIO.Board = "gpiocdev"
	quick := loaded(t, "pump.ignition_start_duration=10ms", "consensus.growth_hold=1s")
	p := planFor(real, quick)
	if p.target.Pump.IgnitionStart != real.Pump.IgnitionStart || p.target.Growth.Hold != time.Second ||
		!slices.Equal(p.restart, []string{"gpio.board"}) || len(p.refused) != 1 {
		t.Errorf("%+v", p)
	}
}
