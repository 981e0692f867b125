//go:build faults

package command

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"wildfire-watch/protocol"
)

// faulty breaks the house on SIGUSR1 as the environment variable WILDFIRE_FAULT says: "panic pump",
// "panic gpio", "wedge pump", "wedge gpio", "eat memory", "exit". The tap runs on the goroutine of the
// actor that publishes, and so in its Receive.
func faulty(tap func(msg any)) func(msg any) {
	var armed atomic.Bool
	fault := os.Getenv("WILDFIRE_FAULT")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		<-signals
		switch fault {
		case "exit":
			os.Exit(3)
		case "eat memory":
			eat()
		}
		armed.Store(true)
	}()
	return func(msg any) {
		if armed.Load() {
			fail(fault, msg)
		}
		tap(msg)
	}
}

// fail breaks the actor that is meant.
func fail(fault string, msg any) {
	var by string
	switch msg.(type) {
	case protocol.SetOutputs:
		by = "pump"
	case protocol.LineReport:
		by = "gpio"
	}
	switch fault {
	case "panic " + by:
		panic("a fault was asked for")
	case "wedge " + by:
		select {}
	}
}

var eaten [][]byte

// eat takes memory until somebody ends it.
func eat() {
	for {
		piece := make([]byte, 16<<20)
		for i := 0; i < len(piece); i += 4096 {
			piece[i] = 1
		}
		eaten = append(eaten, piece)
	}
}
