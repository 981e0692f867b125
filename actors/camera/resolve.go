package camera

// Names of cameras for whoever has no registry actor at hand: a replay.

// Canonical is the name under which a camera votes, behind any of its names; ok is false for a name
// that can be nobody's.
func (r *Registry) Canonical(name string) (canonical string, ok bool) {
	return r.resolve(name), presentable(name)
}
