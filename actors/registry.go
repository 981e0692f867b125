package actors

import "github.com/asynkron/protoactor-go/actor"

// oneBucket makes protoactor's registry of names usable where an int has 32 bits. It picks one of
// 1024 buckets by a hash that it turns into an int: half of all names get a negative one there, and
// the program panics when it spawns them. Any number modulo one is zero; the bucket itself is a map
// of 32 shards, enough for a house. Call it before anything is spawned.
func oneBucket(system *actor.ActorSystem) {
	r := system.ProcessRegistry.LocalPIDs
	for _, bucket := range r.LocalPIDs[1:] {
		if bucket.IsEmpty() {
			continue // Items starts 64 goroutines: a thousand times that takes a slow machine seconds
		}
		for name, process := range bucket.Items() {
			r.LocalPIDs[0].Set(name, process)
		}
	}
	r.LocalPIDs = r.LocalPIDs[:1]
}
