package protocol

// Reject is why a codec refused its input: short and stable, as Rejected.Reason counts it. It never
// quotes the input.
type Reject string

// Error is the reason itself.
func (r Reject) Error() string { return string(r) }
