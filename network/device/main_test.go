package device

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// logged is what libraries wrote into the program's log: a device's words must not be in it.
var logged struct {
	sync.Mutex
	bytes.Buffer
}

type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	logged.Lock()
	defer logged.Unlock()
	return logged.Buffer.Write(p)
}

func TestMain(m *testing.M) {
	log.SetOutput(logWriter{})
	code := m.Run()
	logged.Lock()
	if logged.Len() > 0 {
		fmt.Printf("FAIL: a library wrote into the log: %q\n", logged.Bytes()[:min(logged.Len(), 500)])
		code = 1
	}
	logged.Unlock()
	if err := goleak.Find(); err != nil {
		fmt.Println("FAIL:", err)
		code = 1
	}
	os.Exit(code)
}
