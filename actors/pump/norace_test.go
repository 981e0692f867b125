//go:build !race

package pump

const underRace = false
