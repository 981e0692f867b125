package protocol

// Mistake is one thing wrong with a configuration, or, as a Warning, one that makes no sense.
type Mistake struct {
	// Key is the dotted key; an actor's Check names it within its own section.
	Key string
	// Value is what was found, Allowed what may stand there: a range, a list, a condition.
	Value   string
	Allowed string
	// Problem, if not empty, is said instead of "must be Allowed": "is not a key".
	Problem string
	// Warning: the configuration is used all the same.
	Warning bool
	// File and Line say where the value stands: a path, "--set" without a line, or nothing for a
	// built-in default. The loader fills them in.
	File string
	Line int
}
