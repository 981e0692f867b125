package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// The inputs file is looked at every lookInterval, whole: two writes of one size within one tick of
// the kernel's clock leave no other trace. Larger files than inputsLimit are not read.
const (
	lookInterval = 15 * time.Millisecond
	inputsLimit  = 16 << 10
)

// ParseLevels reads {"16": 1, "20": 0}: electrical levels (0 or 1) of lines (0 to 63). Anything
// else is an error and means nothing.
func ParseLevels(text []byte) (map[int]bool, error) {
	var lines map[string]json.Number
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&lines); err != nil {
		return nil, fmt.Errorf("parse input levels: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("parse input levels: there is something after the object")
	}
	if lines == nil {
		return nil, fmt.Errorf("parse input levels: there is no object")
	}
	levels := make(map[int]bool, len(lines))
	for line, level := range lines {
		n, err := strconv.ParseUint(line, 10, 8)
		if err != nil || n >= numLines || (level != "0" && level != "1") {
			return nil, fmt.Errorf("parse input levels: %q: %q: want line 0 to 63, level 0 or 1",
				line, level)
		}
		levels[int(n)] = level == "1"
	}
	return levels, nil
}

func readLevels(path string) (map[int]bool, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	return ParseLevels(text)
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, inputsLimit+1))
	if err == nil && len(text) > inputsLimit {
		err = fmt.Errorf("read %s: longer than %d bytes", path, inputsLimit)
	}
	return text, err
}

// follower is the goroutine that looks at the inputs file. A nil follower looks at nothing.
type follower struct {
	once sync.Once
	quit chan struct{}
	done chan struct{}
}

func (b *Simulator) follow(path string) *follower {
	f := &follower{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		look := time.NewTicker(lookInterval)
		defer look.Stop()
		var last []byte
		for {
			if text, err := readBounded(path); err == nil && !bytes.Equal(text, last) {
				last = text
				b.hold(text)
			}
			select {
			case <-f.quit:
				return
			case <-look.C:
			}
		}
	}()
	return f
}

// hold takes up what the file says; a file that is half written says nothing.
func (b *Simulator) hold(text []byte) {
	levels, err := ParseLevels(text)
	if err != nil {
		return
	}
	_ = b.do(func(time.Time) error {
		b.levels = levels
		return nil
	})
}

// stop ends the goroutine and waits for it.
func (f *follower) stop() {
	if f == nil {
		return
	}
	f.once.Do(func() { close(f.quit) })
	<-f.done
}
