package camera

import (
	"flag"
	"os"
	"testing"
)

// TestMain asks for more histories than rapid's hundred: most are short and see no fire.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("3000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
