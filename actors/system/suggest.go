package system

import (
	"slices"
	"strings"
)

// suggestion names what the user may have meant by an unknown name; empty if nothing is near: a
// few letters wrong, or some of a name's words left out.
func suggestion(name string, known []string) string {
	name = strings.ToLower(name)
	best, distance := "", 1+(len(name)+1)/3
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := editDistance(name, k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return best
	}
	for _, k := range slices.Sorted(slices.Values(known)) {
		if words := strings.Split(k, "_"); isSubset(strings.Split(name, "_"), words) &&
			(best == "" || len(k) < len(best)) {
			best = k
		}
	}
	return best
}

func isSubset(words, of []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool {
		return !slices.ContainsFunc(of, func(x string) bool {
			return w == x || len(w) > 3 && editDistance(w, x) <= 1
		})
	})
}

// longestName bounds what is compared: names come from outside.
const longestName = 64

// editDistance counts the letters to insert, drop, exchange or swap with their neighbour between a
// and b.
func editDistance(a, b string) int {
	if len(a) > longestName || len(b) > longestName {
		return len(a) + len(b)
	}
	var d [longestName + 1][longestName + 1]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			if i == 0 || j == 0 {
				d[i][j] = i + j
				continue
			}
			change := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d[i][j] = min(change, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
