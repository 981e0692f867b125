//go:build !network

package announce

// isolate does nothing: without the tag network, tests stay on the loopback interface.
func isolate() {}
