package actors

import (
	"fmt"
	"testing"
)

// On a machine with 32 bits half of these names would panic; GOARCH=386 runs this there.
func TestAnyNameCanBeSpawnedWhereAnIntHas32Bits(t *testing.T) {
	h := NewHouse(Options{})
	if n := len(h.system.ProcessRegistry.LocalPIDs.LocalPIDs); n != 1 {
		t.Errorf("%d buckets, want one: the sign of a hash must not matter", n)
	}
	for _, name := range []string{"eventstream", "deadletter"} { // registered by protoactor itself
		if _, ok := h.system.ProcessRegistry.GetLocal(name); !ok {
			t.Errorf("%s is no longer found", name)
		}
	}
	for i := range 50 {
		if _, err := h.Spawn(fmt.Sprintf("camera-%d", i), Kind{Name: "camera"}, func() Actor { return &deaf{} }); err != nil {
			t.Error(err)
		}
	}
	if err := h.StopAll(t.Context()); err != nil {
		t.Error(err)
	}
}

// deaf does nothing.
type deaf struct{}

func (deaf) Started(*Context)      {}
func (deaf) Receive(*Context, any) {}
func (deaf) Stopping(*Context)     {}
