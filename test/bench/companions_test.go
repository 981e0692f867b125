package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// companion is the variable that makes this program another process of a benchmark: what it is, and its
// argument.
const companion = "WILDFIRE_BENCH_COMPANION"

// TestMain is every process of a benchmark. A companion works until its standard input ends, and then
// prints one number.
func TestMain(m *testing.M) {
	what, argument, _ := strings.Cut(os.Getenv(companion), " ")
	switch what {
	case "besiege":
		number, to, _ := strings.Cut(argument, " ")
		n, _ := strconv.Atoi(number)
		fmt.Println(besiege(n, to))
	case "listen":
		fmt.Println(listen())
	default:
		os.Exit(m.Run())
	}
}

// companionOf starts a companion with a priority; the function that it returns ends it and tells its number.
func companionOf(b *testing.B, what string, nice int, argument string) (end func() float64) {
	b.Helper()
	// nice adds to what the process has; and between sessions the kernel looks at the session's alone.
	own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command("nice", "-n", fmt.Sprint(nice-(20-own)), os.Args[0])
	cmd.Env = append(os.Environ(), companion+"="+what+" "+argument)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: nice > 0, Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return sync.OnceValue(func() float64 {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("%s: %v", what, err)
		}
		number, _ := strconv.ParseFloat(strings.TrimSpace(said.String()), 64)
		return number
	})
}

// ended is closed when standard input is.
func ended() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		close(done)
	}()
	return done
}

// besiege lets n besiegers misbehave, and returns how many acts there were.
func besiege(n int, to string) int64 {
	ctx, lift := context.WithCancel(context.Background())
	var met atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { misbehave(ctx, i, to, &met) })
	}
	<-ended()
	lift()
	all.Wait()
	return met.Load()
}

// listen tells how late the kernel wakes a process that does nothing else, asked for a millisecond: p99, in
// microseconds. It has the priority of the one that is measured, whose figures cannot be better; what makes it
// late are those who share the machine, and the besiegers on it.
func listen() float64 {
	var late []time.Duration
	for done := ended(); ; {
		select {
		case <-done:
			slices.Sort(late)
			return float64(late[int(math.Ceil(0.99*float64(len(late))))-1].Microseconds())
		default:
		}
		pause, begun := syscall.NsecToTimespec(int64(time.Millisecond)), time.Now()
		_ = syscall.Nanosleep(&pause, nil)
		late = append(late, max(0, time.Since(begun)-time.Millisecond))
	}
}
