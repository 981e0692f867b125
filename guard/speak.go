package guard

import "time"

// speaker says sentences on a goroutine of its own: standard error may be a pipe that nobody reads
// any more, and a guard must not wait for it.
type speaker struct {
	queue chan string
	done  chan struct{}
}

// wordsWaiting bounds what is not said yet; more is dropped. lastWords is the patience at the end.
const (
	wordsWaiting = 64
	lastWords    = 200 * time.Millisecond
)

func speak(say func(string)) *speaker {
	s := &speaker{queue: make(chan string, wordsWaiting), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for text := range s.queue {
			say(text)
		}
	}()
	return s
}

func (s *speaker) say(text string) {
	select {
	case s.queue <- text:
	default:
	}
}

// end waits a moment for what is not said yet.
func (s *speaker) end() {
	close(s.queue)
	t := time.NewTimer(lastWords)
	defer t.Stop()
	select {
	case <-s.done:
	case <-t.C:
	}
}
