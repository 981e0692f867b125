package protocol

// StopSafeModeOver is the cause of a stop that ends safe mode: the next start is a normal one, and
// if that fails too, the one after it is in safe mode again.
const StopSafeModeOver = "safe mode is over"

// StopLinesThere is the cause of a stop that ends a simulation which nobody asked for: gpio.board is
// "auto", and the real lines can be had now.
const StopLinesThere = "the real lines can be had"

// SafeModeOver says that safe mode has rested long enough: the process is to stop in good order, for
// StopSafeModeOver, and to start anew. The recovery actor sends it; whoever started the house hears
// it (system.Parts.Tap).
type SafeModeOver struct{}

// JournalFlush asks the journal to put on disk everything that it was sent before. Done is closed
// when that is so, or after two seconds, whichever is earlier. The system sends it at an orderly
// stop.
type JournalFlush struct {
	// Cause is recorded as the cause of this process's stop ("signal", StopSafeModeOver, what a trip
	// says) and is Recovered.LastStop of the next; empty: no stop is meant.
	Cause string
	// Orderly: it is a stop in good order, engine off and asked for: the start has not failed.
	Orderly bool
	Done    chan struct{}
}

// EventsAsked asks the journal for stored events, oldest first. The page sends it.
type EventsAsked struct {
	// After is the number of the last event already known, 0: from the oldest. Numbers rise by one
	// with each stored event, over restarts too.
	After uint64
	// Limit bounds the answer: 1 to 1000; 0 means 100.
	Limit int
	// Newest asks for the last Limit events instead of the first ones after After.
	Newest bool
	// Reply is called once, on a goroutine of its own; last is the next After. It gets what is
	// still in memory when the disk fails.
	Reply func(events []Event, last uint64)
}
