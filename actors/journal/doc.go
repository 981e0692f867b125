// Package journal keeps on the disk what must survive a power cut (what the pump and consensus
// remember, SPEC P5, P6, P10, P15) and the bounded history of what happened.
//
// It promises:
//   - no decision and no line ever waits for the disk: actors hand over a message and go on; a disk
//     that is full, read-only, slow, damaged or gone is reported as a Fault and tried again;
//   - a memory handed over is written and synced at once, or when the write under way has ended: at
//     most one is, and the newest wins. So a power cut loses at most what was decided during two
//     writes, milliseconds on a healthy card: a trigger, or the start of a run. An open run loses at
//     most the time since its last checkpoint, which the pump charges as one interval (P5);
//   - what is read back is what was written, or Recovered.Unreadable says that it may not be. Every
//     record has a checksum, the pump's memory is kept twice, files are checked page by page before
//     bbolt maps them, a damaged file is moved aside;
//   - memory and history are two files: a damaged history casts no doubt on the memory, and the
//     memory never waits while a long history is checked or written.
//
// It must never be waited for by an actor, and decides nothing about water.
package journal
