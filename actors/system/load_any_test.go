package system

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// FuzzLoad: whatever stands in a file or after --set, the loader ends with mistakes or with a
// configuration inside all of its ranges; it never panics and never talks without end.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{"", toyDefaults, "[pump]\nmax_engine_runtime = \"9h\"", "a.b.c = {d = [1, {e=2}]}",
		"[[pump]]\n[pump.x.y]", "[cameras.\"ä\"]\ndetect=\"\"\"\nx\"\"\"", "[consensus]\nlabels = [\n\"a\" # b\n,]",
		"x = 1979-05-27", "\xef\xbb\xbf\r\n", "[consensus.zone_mapping]\na=[]\nb=['''\n''']"} {
		f.Add(text, "pump.pre_open_delay=2s")
		f.Add(text, "consensus.labels=[")
		f.Add(text, "cameras.'a.b'={}")
	}
	f.Fuzz(func(t *testing.T, text, set string) {
		if len(text) > 10_000 || len(set) > 1_000 {
			return
		}
		var c toy
		all, err := load(&c, []byte(toyDefaults), "f.toml", []byte(text), []string{set})
		if err != nil {
			t.Fatal(err)
		}
		said := Report("f.toml", all)
		if limit := 2000 * (len(all) + 1); len(said) > limit {
			t.Errorf("%d characters for %d mistakes", len(said), len(all))
		}
		if Wrong(all) {
			return
		}
		schemaOf(&c).fields(func(key string, f field) {
			if !f.within(c.simulated()) {
				t.Errorf("%s = %s is not %s, and nothing was said", key, describe(f.value), f.bounds(false))
			}
		})
	})
}

// TestAValueMeansTheSameInAFileAndAfterSet: every key that the schema has, every valid value.
func TestAValueMeansTheSameInAFileAndAfterSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c toy
		s := schemaOf(&c)
		name := rapid.SampledFrom(s.order).Draw(t, "section")
		key := rapid.SampledFrom(s.sections[name].order).Draw(t, "key")
		inFile, bareWord := drawValue(t, s.sections[name].keys[key][0])
		full := name + "." + key

		// The lead's own limit is another key's business.
		extra := "\npump.rpm_reduction_lead = 0\n"
		if full == "pump.rpm_reduction_lead" {
			extra = "\n"
		}
		a, wrongA := told(t, full+" = "+inFile+extra)
		b, wrongB := told(t, strings.TrimSpace(extra), full+"="+bareWord)
		d, wrongD := told(t, strings.TrimSpace(extra), full+"="+inFile)
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, d) {
			t.Fatalf("%s: file %s gives %+v\n--set %s gives %+v\n--set %s gives %+v", full, inFile, a, bareWord, b,
				inFile, d)
		}
		if len(wrongA)+len(wrongB)+len(wrongD) > 0 {
			t.Fatalf("%s = %s: %q %q %q", full, inFile, wrongA, wrongB, wrongD)
		}
	})
}

// TestEveryKeyOfTheRealConfigurationMeansTheSameEitherWay: values inside their ranges; what a check
// of several keys says of them is the same too.
func TestEveryKeyOfTheRealConfigurationMeansTheSameEitherWay(t *testing.T) {
	builtIn := defaults(t)
	rapid.Check(t, func(t *rapid.T) {
		s := schemaOf(&Config{})
		name := rapid.SampledFrom(s.order).Draw(t, "section")
		key := rapid.SampledFrom(s.sections[name].order).Draw(t, "key")
		inFile, bareWord := drawValue(t, s.sections[name].keys[key][0])
		var a, b Config
		wrongA, errA := load(&a, builtIn, "my.toml", []byte(name+"."+key+" = "+inFile), nil)
		wrongB, errB := load(&b, builtIn, "", nil, []string{name + "." + key + "=" + bareWord})
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if !reflect.DeepEqual(a, b) || len(wrongA) != len(wrongB) {
			t.Fatalf("%s.%s: file %s gives %+v %v\n--set %s gives %+v %v", name, key, inFile, a, wrongA, bareWord, b,
				wrongB)
		}
	})
}

// drawValue draws a valid value as it stands in a file, and as one would type it after --set.
func drawValue(t *rapid.T, f field) (inFile, bareWord string) {
	word := rapid.StringMatching(`[A-Za-z_äß/:.-]{1,5}( [a-z0-9=]{1,3})?`)
	switch {
	case f.tag.Get("oneof") != "":
		w := rapid.SampledFrom(strings.Split(f.tag.Get("oneof"), "|")).Draw(t, "word")
		return strconv.Quote(w), w
	case f.value.Type() == durationType:
		low, high, _ := strings.Cut(f.tag.Get("range"), "..")
		if high == "" {
			high = "59s"
		}
		d := time.Duration(rapid.Int64Range(int64(f.bound(low)), int64(f.bound(high))).Draw(t, "time"))
		if rapid.Bool().Draw(t, "seconds") {
			d = max(d.Truncate(time.Millisecond), time.Duration(f.bound(low)))
			s := strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
			return s, s
		}
		return strconv.Quote(d.String()), d.String()
	}
	switch f.value.Kind() {
	case reflect.Int, reflect.Float64:
		low, high, _ := strings.Cut(f.tag.Get("range"), "..")
		s := fmt.Sprint(rapid.Int64Range(int64(f.bound(low)), int64(f.bound(high))).Draw(t, "number"))
		return s, s
	case reflect.Bool:
		s := strconv.FormatBool(rapid.Bool().Draw(t, "bool"))
		return s, s
	case reflect.Slice:
		words := rapid.SliceOfN(word, 1, 5).Draw(t, "list")
		return fmt.Sprintf("[%s]", quoted(words)), strings.Join(words, ",")
	case reflect.Map:
		s := fmt.Sprintf("{ north = [%s] }", quoted(rapid.SliceOfN(word, 0, 3).Draw(t, "zones")))
		return s, s
	}
	w := word.Draw(t, "text")
	return strconv.Quote(w), w
}

func quoted(words []string) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = strconv.Quote(w)
	}
	return strings.Join(parts, ", ")
}
