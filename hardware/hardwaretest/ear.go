package hardwaretest

import (
	"sync"

	"wildfire-watch/hardware"
)

// Ear collects what a board tells; Hear is for its Watch. The zero value has heard nothing.
type Ear struct {
	mu   sync.Mutex
	told []hardware.Levels
}

// Hear takes what the board tells.
func (e *Ear) Hear(l hardware.Levels) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, l)
}

// Heard is all that was told, oldest first.
func (e *Ear) Heard() []hardware.Levels {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.told[:len(e.told):len(e.told)]
}

// Forget begins anew.
func (e *Ear) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = nil
}
