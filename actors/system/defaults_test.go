package system

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func defaults(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheDefaultsAreWithoutMistakeAndWarning(t *testing.T) {
	_, all, err := Load(defaults(t), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		t.Error(Line(m))
	}
}

// TestConfigTomlHasExactlyTheKnownKeys: a field without a default, or a default without a field, is
// a mistake; the second kind Load itself finds. Every bound of every tag can be read.
func TestConfigTomlHasExactlyTheKnownKeys(t *testing.T) {
	var c Config
	var m mistakes
	d := decoder{schema: schemaOf(&c), places: make(map[string]*node), mistakes: &m}
	d.lay(read("config.toml", defaults(t), &m))
	for _, x := range m.all {
		t.Error(Line(x))
	}
	d.schema.fields(func(key string, f field) {
		if d.places[key] == nil {
			t.Errorf("%s has no default in config.toml", key)
		}
		f.within(true) // panics on a bound that is none
		for _, simulated := range []bool{false, true} {
			if !f.within(simulated) {
				t.Errorf("%s: its default is not %s", key, f.bounds(simulated))
			}
		}
	})
	for _, name := range d.schema.order {
		if s := d.schema.sections[name]; len(s.order) == 0 {
			t.Errorf("[%s] has no key", name)
		}
	}
}

func TestEveryKeyOfConfigTomlIsExplained(t *testing.T) {
	said := comments(defaults(t))
	var c Config
	s := schemaOf(&c)
	s.fields(func(key string, _ field) {
		if !strings.ContainsAny(said[key], ".!?,;:-") && len(said[key]) < 10 {
			t.Errorf("%s has no comment above it in config.toml", key)
		}
	})
	for _, key := range []string{"cameras.*.detect", "cameras.*.aliases", "cameras.*.mac"} {
		if said[key] == "" {
			t.Errorf("%s has no example in config.toml", key)
		}
	}
}

// TestTheSectionsOfConfigTomlStandInTheOrderOfTheSchema keeps reference and file alike.
func TestTheSectionsOfConfigTomlStandInTheOrderOfTheSchema(t *testing.T) {
	var m mistakes
	root := read("config.toml", defaults(t), &m)
	var c Config
	if s := schemaOf(&c); !slices.Equal(root.names, s.order) {
		t.Errorf("config.toml has %q, Config %q", root.names, s.order)
	}
}
