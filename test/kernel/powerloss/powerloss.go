//go:build kernel || kernelhost

// Package powerloss cuts the power of a whole virtual machine at random instants, again and again: the
// journals of its appliances lie on ext4 disks, and what was not synced is lost. The accountant of
// package lives outlives it, and holds the next boot to what the one before had announced (SPEC P5, P6,
// P15). POWERLOSS says how many journals lose their power; a machine has three.
package powerloss

import "wildfire-watch/test/kernel/lives"

// What the host tells the guest's half, in the environment.
const (
	factsVariable = "POWERLOSS_FACTS"
	countVariable = "POWERLOSS_APPLIANCES"
	seedVariable  = "POWERLOSS_SEED"
)

// What the guest says besides what the accountant takes.
const (
	chipFact lives.Kind = "chip" // Text is an appliance's chip
	upFact   lives.Kind = "up"   // every process was started
)

// multiplier is pump.refill_multiplier: a wrong second of engine time is three of a debt.
const multiplier = 3

// seen is one fact of an appliance; Name is empty for one of them all.
type seen struct {
	Name string
	Fact lives.Fact
}
