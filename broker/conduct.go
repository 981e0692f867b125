package broker

import (
	"sync"
	"time"
)

// Conduct: what an address has on its account passes by one a second. With more than the bearable it is
// turned away at the door for so long, and by then the account is empty again.
const (
	bearable   = 30
	forgiving  = 1 // a second
	turnedAway = 30 * time.Second
	// suspicion is how long a strike that weighs more than one, and being turned away, are remembered:
	// meanwhile passwords from there are looked at last.
	suspicion = time.Minute
)

// unheard is the reason of who came and went, or waited too long: that alone is no refusal.
const unheard = "unheard"

// strikes are what a refusal puts on the account of the address that it came from; none: it is a matter of
// too many, or too much, and whoever it hits may have done nothing wrong.
var strikes = map[string]float64{
	unheard:        1,
	"connect rate": 1, // whoever tries again once a second is forgiven as fast
	"anonymous":    1,
	"certificate":  5,
	"login":        5,
	"publish":      1,
	"subscribe":    1,
	"topic":        1,
	"will":         1,
	"malformed":    5,
	"slow reader":  5,
	"flood":        bearable,
}

// conduct knows who misbehaves again and again. Who does is turned away before it costs anything. Nobody
// is who has an address in common with all programs of this machine: one of them must not shut out the
// others. Our own connections have no address.
type conduct struct {
	mu sync.Mutex
	of map[string]*record
}

// record is one address's. The zero value is a good one.
type record struct {
	strikes bucket
	until   time.Time // turned away until then
	suspect time.Time // likewise
}

// forgiven says that nothing is left: the last strike is long ago, and the account empty since.
func (r *record) forgiven(now time.Time) bool {
	return now.After(r.suspect) && now.Sub(r.strikes.at) > suspicion
}

// shared says whether an address is no one host's.
func shared(address string) bool {
	return address == "127.0.0.1" || address == "::1" || address == "unknown" || address == ""
}

// strike puts a refusal on an address's account.
func (c *conduct) strike(address, reason string, now time.Time) {
	n := strikes[reason]
	if n == 0 || shared(address) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.of[address]
	if r == nil {
		if r = c.begin(address, now); r == nil {
			return
		}
	}
	if now.Before(r.until) {
		return
	}
	away := !r.strikes.allow(pace{forgiving, bearable}, n, now)
	if away {
		r.until = now.Add(turnedAway)
	}
	if away || n > 1 {
		r.suspect = now.Add(suspicion)
	}
}

// begin opens an account; nil: there are too many, and the other bounds have to do.
func (c *conduct) begin(address string, now time.Time) *record {
	if c.of == nil {
		c.of = make(map[string]*record)
	}
	if len(c.of) >= maxAddresses {
		for of, r := range c.of {
			if r.forgiven(now) {
				delete(c.of, of)
			}
		}
		if len(c.of) >= maxAddresses {
			return nil
		}
	}
	r := new(record)
	c.of[address] = r
	return r
}

// away says whether an address is turned away.
func (c *conduct) away(address string, now time.Time) bool {
	if shared(address) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.of[address]
	return r != nil && now.Before(r.until)
}

// suspect says whether an address has misbehaved lately.
func (c *conduct) suspect(address string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.of[address]
	return r != nil && now.Before(r.suspect)
}
