//go:build race

package pump

const underRace = true
