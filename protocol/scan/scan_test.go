package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// texts are JSON and what only looks like it; cases and fuzz seeds.
var texts = []struct {
	text string
	ok   bool
}{
	{`{}`, true}, {`[]`, true}, {`""`, true}, {`0`, true}, {`-0.5e-3`, true}, {`null`, true},
	{" \t\r\n{ \"a\" : [ 1 , true ,false, null , {} ] , \"b\":\"\\u00e9\\n\" } \n", true},
	{`{"a":1,"a":2}`, true}, {`[[[[]]]]`, true}, {"\"\xff\"", true}, {`"\ud800"`, true},
	{`{"v":NaN,"w":[Infinity,-Infinity]}`, true}, {`NaN`, true},
	{``, false}, {` `, false}, {`{`, false}, {`}`, false}, {`[`, false}, {`"`, false}, {`{"a"}`, false},
	{`{"a":}`, false}, {`{"a":1,}`, false}, {`{,}`, false}, {`[1,]`, false}, {`[,1]`, false},
	{`{a:1}`, false}, {`{'a':1}`, false}, {`{1:1}`, false}, {`{"a" 1}`, false}, {`{"a":1 "b":2}`, false},
	{`01`, false}, {`-`, false}, {`-01`, false}, {`+1`, false}, {`1.`, false}, {`.5`, false}, {`1e`, false},
	{`1e+`, false}, {`0x10`, false}, {`1 2`, false}, {`{} {}`, false}, {`[] x`, false}, {`true1`, false},
	{`True`, false}, {`nul`, false}, {`Nan`, false}, {`-NaN`, false}, {`+Infinity`, false}, {`Inf`, false},
	{`"\x41"`, false}, {`"\u12g4"`, false}, {`"\u123`, false}, {`"\`, false}, {"\"a\nb\"", false},
	{"\ufeff{}", false}, {"\x00", false}, {`// {}`, false}, {`{"a":1}` + "\x00", false},
}

func TestWhatIsAcceptedIsJSONAndNothingElse(t *testing.T) {
	for _, c := range texts {
		if _, ok := Parse([]byte(c.text)); ok != c.ok {
			t.Errorf("Parse(%q) = %v, want %v", c.text, ok, c.ok)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	for depth, want := range map[int]bool{1: true, MaxDepth: true, MaxDepth + 1: false, 100000: false} {
		list := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		if _, ok := Parse([]byte(list)); ok != want {
			t.Errorf("a list nested %d deep: accepted %v, want %v", depth, ok, want)
		}
		object := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
		if _, ok := Parse([]byte(object)); ok != want {
			t.Errorf("an object nested %d deep: accepted %v, want %v", depth, ok, want)
		}
	}
}

func TestNoPrefixOfAMessageIsAMessage(t *testing.T) {
	whole := `{"a":[1.5,{"b":"c\u0041"}],"d":null}`
	for i := range whole {
		if _, ok := Parse([]byte(whole[:i])); ok {
			t.Errorf("Parse accepts %q", whole[:i])
		}
	}
}

func TestAValueReadsAsItsOwnKindOnly(t *testing.T) {
	v, ok := Parse([]byte(`{"number":-2.5e1,"text":"a\u0062c","yes":true,"no":false,"null":null,` +
		`"list":[1,"x"],"object":{"a":1},"nan":NaN,"inf":-Infinity,"huge":1e999,"esc\u0061ped":7}`))
	if !ok {
		t.Fatal("not accepted")
	}
	kinds := map[string]Kind{"number": Number, "text": Text, "yes": Bool, "no": Bool, "null": Null, "list": List,
		"object": Object, "nan": NotFinite, "inf": NotFinite, "huge": Number, "escaped": Number, "none": Missing}
	for name, want := range kinds {
		field := v.Field(name)
		if field.Kind() != want {
			t.Errorf("%s is of kind %d, want %d", name, field.Kind(), want)
		}
		if _, ok := field.Number(); ok != (want == Number && name != "huge") {
			t.Errorf("%s reads as a number: %v", name, ok)
		}
		if _, ok := field.Text(); ok != (want == Text) {
			t.Errorf("%s reads as text: %v", name, ok)
		}
		if field.True() != (name == "yes") {
			t.Errorf("%s reads as true: %v", name, field.True())
		}
		if field.Given() != (want != Null && want != Missing) {
			t.Errorf("%s is given: %v", name, field.Given())
		}
	}
	if f, _ := v.Field("number").Number(); f != -25 {
		t.Errorf("number = %v", f)
	}
	if s, _ := v.Field("text").Text(); s != "abc" {
		t.Errorf("text = %q", s)
	}
	n := 0
	for item := range v.Field("list").Items() {
		n++
		if n == 1 && string(item.Raw()) != "1" || n == 2 && string(item.Raw()) != `"x"` {
			t.Errorf("item %d = %s", n, item.Raw())
		}
	}
	if n != 2 {
		t.Errorf("%d items, want 2", n)
	}
	for range v.Field("text").Items() {
		t.Error("a text has items")
	}
	for range v.Field("list").Fields() {
		t.Error("a list has fields")
	}
}

func TestANameIsShortPrintableAndNotEmpty(t *testing.T) {
	for text, want := range map[string]string{
		`"north"`: "north", `"  north \n"`: "north", `"gärtnerhaus 2"`: "gärtnerhaus 2", `"\u5317"`: "北",
		`"` + strings.Repeat("x", 16) + `"`: strings.Repeat("x", 16),
		`""`:                                "", `"  "`: "", `null`: "", `7`: "", `["a"]`: "", `"a\u0000b"`: "", `"a\nb"`: "", "\"a\xff\"": "",
		`"\ud800"`: "", `"a\u202eb"`: "", `"` + strings.Repeat("x", 17) + `"`: "",
		`"` + strings.Repeat(`\u0041`, 17) + `"`: "", `"` + strings.Repeat(" ", 400) + `a"`: "",
	} {
		v, _ := Parse([]byte(text))
		if got, ok := v.Name(16); got != want || ok != (want != "") {
			t.Errorf("%s.Name = %q %v, want %q", text, got, ok, want)
		}
	}
}

func TestALabelIsLowerCaseWithoutVerified(t *testing.T) {
	for text, want := range map[string]string{`"fire"`: "fire", `"smoke"`: "smoke", `"Fire"`: "fire",
		`"fire-verified"`: "fire", `"FIRE-Verified"`: "fire", `" smoke "`: "smoke", `"fire-verified-2"`: "fire-verified-2",
		`"-verified"`: "", `""`: "", `1`: "", `["fire",0.9]`: ""} {
		v, _ := Parse([]byte(text))
		if got, ok := v.Label(); got != want || ok != (want != "") {
			t.Errorf("%s.Label = %q %v, want %q", text, got, ok, want)
		}
	}
}

func TestAStampThatCannotBeReadCountsAsMissing(t *testing.T) {
	at := time.Unix(1764000050, 250_000_000)
	for text, want := range map[string]time.Time{
		`1764000050.25`: at, `"1764000050.25"`: at, `" 1764000050.25 "`: at, `1.76400005025e9`: at,
		`"2025-11-24T16:00:50.25Z"`: at, `"2025-11-24T17:00:50.250000+01:00"`: at,
		`0`: {}, `-5`: {}, `null`: {}, `true`: {}, `"yesterday"`: {}, `1e300`: {}, `1e999`: {}, `NaN`: {}, `"NaN"`: {},
		`"inf"`: {}, `"2025-11-24T16:00:50"`: {}, `"0001-01-01T00:00:00Z"`: {}, `[1764000050]`: {}, `""`: {},
	} {
		v, ok := Parse([]byte(text))
		if got := v.Stamp(); !ok || got.Sub(want).Abs() > time.Microsecond || got.IsZero() != want.IsZero() {
			t.Errorf("%s.Stamp = %v, want %v", text, got, want)
		}
	}
	if !(Value{}).Stamp().IsZero() {
		t.Error("a missing stamp is a time")
	}
}

func TestABoxIsFourFiniteNumbersInOrder(t *testing.T) {
	for text, want := range map[string]bool{
		`[0,0,1,1]`: true, `[0.1,0.2,0.3,0.4]`: true, `[10,20,300,400.5]`: true,
		`[]`: false, `[1,2,3]`: false, `[1,2,3,4,5]`: false, `null`: false, `"1,2,3,4"`: false, `{}`: false, `7`: false,
		`[1,2,3,"4"]`: false, `[1,2,3,null]`: false, `[1,2,3,[4]]`: false, `[NaN,0,1,1]`: false, `[0,0,Infinity,1]`: false,
		`[-1,0,1,1]`: false, `[0,-0.1,1,1]`: false, `[1,0,0,1]`: false, `[0,1,1,0]`: false, `[1,1,1,2]`: false,
		`[0,0,1e999,1]`: false, `[0,0,1e-200,1e-200]`: false, `[true,0,1,1]`: false,
	} {
		v, _ := Parse([]byte(text))
		if _, ok := v.Corners(); ok != want {
			t.Errorf("%s is a box: %v, want %v", text, ok, want)
		}
	}
}

// FuzzParse compares with encoding/json: the same texts are JSON, and read the same.
func FuzzParse(f *testing.F) {
	for _, c := range texts {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, ok := Parse(text)
		if !ok {
			if json.Valid(text) && !tooDeep(text) {
				t.Fatalf("refused %q, which is JSON", text)
			}
			return
		}
		if bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Infinity")) {
			walk(v) // may be ours alone
			return
		}
		if !json.Valid(text) {
			t.Fatalf("accepted %q, which is not JSON", text)
		}
		var theirs any
		if json.Unmarshal(text, &theirs) != nil {
			return // a number beyond a float64
		}
		if ours := walk(v); fmt.Sprint(ours) != fmt.Sprint(theirs) {
			t.Fatalf("%q read as %v, want %v", text, ours, theirs)
		}
		v.Name(16)
		v.Label()
		v.Stamp()
		if c, ok := v.Corners(); ok && !(c[2] > c[0] && c[3] > c[1] && c[0] >= 0 && c[2] < math.Inf(1)) {
			t.Fatalf("box %v", c)
		}
	})
}

// tooDeep is coarse: it counts brackets within strings too.
func tooDeep(text []byte) bool {
	return bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > MaxDepth
}

// walk reads the whole value as encoding/json would.
func walk(v Value) any {
	switch v.Kind() {
	case Object:
		m := map[string]any{}
		for name, field := range v.Fields() {
			m[string(name)] = walk(field)
		}
		return m
	case List:
		l := []any{}
		for item := range v.Items() {
			l = append(l, walk(item))
		}
		return l
	case Text:
		s, _ := v.Text()
		if !utf8.ValidString(s) {
			return "invalid"
		}
		return s
	case Number:
		f, _ := v.Number()
		return f
	case Bool:
		return v.True()
	}
	return nil
}

func BenchmarkParseAnEventSizedText(b *testing.B) {
	text := []byte(`{"a":{` + strings.Repeat(`"field": [1.25, 2, "text", null], `, 60) + `"z":0}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Parse(text); !ok {
			b.Fatal("refused")
		}
	}
}
