package broker

import (
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// from dials a broker as another host would: from an address of loopback's that is its alone.
func from(b *Broker, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return d.Dial("tcp", b.Addr)
}

// comesFrom makes a client come from there.
func comesFrom(o *paho.ClientOptions, b *Broker, address string) *paho.ClientOptions {
	return o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return from(b, address) })
}

// TestWhoComesAndGoesIsTurnedAway, and nobody else is: not the host beside it, not who is in.
func TestWhoComesAndGoesIsTurnedAway(t *testing.T) {
	b, k := guarded(t, nil)
	inside := enter(t, options(b, "anna", "anna"))
	for range bearable + 1 {
		conn, err := from(b, "127.9.0.1")
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	eventually(t, "the account is full", func() bool { return b.door.conduct.away("127.9.0.1", time.Now()) })
	refusedToEnter(t, comesFrom(options(b, "anna", "again"), b, "127.9.0.1"))
	eventually(t, "told", func() bool { return k.refused("", "conduct") > 0 })
	enter(t, comesFrom(options(b, "panel", "panel"), b, "127.9.0.2"))
	if !inside.IsConnectionOpen() {
		t.Error("a client that behaves was sent away")
	}
}

// TestWhoIsRefusedAgainAndAgainIsSentAway, with a login too.
func TestWhoIsRefusedAgainAndAgainIsSentAway(t *testing.T) {
	b, k := guarded(t, nil)
	c := enter(t, comesFrom(options(b, "panel", "panel"), b, "127.9.0.1"))
	for range bearable {
		done(t, c.Publish("fire/emergency", 0, false, "start"))
	}
	eventually(t, "told", func() bool { return k.refused("panel", "publish") == bearable })
	for end := time.Now().Add(patience); c.IsConnectionOpen() && time.Now().Before(end); {
		c.Publish("fire/emergency", 0, false, "start").WaitTimeout(patience)
	}
	if c.IsConnectionOpen() {
		t.Error("it is kept")
	}
}

// TestTheProgramsOfThisMachineAreNeverTurnedAway: they have one address, and one must not shut out all.
func TestTheProgramsOfThisMachineAreNeverTurnedAway(t *testing.T) {
	b, k := guarded(t, nil)
	c := enter(t, options(b, "panel", "panel"))
	for range 3 * bearable {
		done(t, c.Publish("fire/emergency", 0, false, "start"))
	}
	eventually(t, "told", func() bool { return k.refused("panel", "publish") == 3*bearable })
	enter(t, options(b, "anna", "anna"))
	if !c.IsConnectionOpen() {
		t.Error("it is sent away")
	}
}

// TestWhatMakesNoSenseIsHeldAgainstItsSender.
func TestWhatMakesNoSenseIsHeldAgainstItsSender(t *testing.T) {
	b, k := guarded(t, nil)
	for n, bad := range [][]byte{{0x30, 0xff, 0xff, 0xff, 0x7f}, {0x30, 8, 0, 4, 0xff, 0xfe, 'x', 0, 'p', 'q'}} {
		var conn net.Conn
		o := options(b, "north", fmt.Sprint("north", n)).SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (c net.Conn, err error) {
			conn, err = from(b, "127.9.0.1")
			return conn, err
		})
		enter(t, o)
		if _, err := conn.Write(bad); err != nil {
			t.Fatal(err)
		}
		eventually(t, "told", func() bool { return k.refused("north", "malformed") == n+1 })
	}
	if !b.door.conduct.suspect("127.9.0.1", time.Now()) {
		t.Error("nothing is on its account")
	}
}

// TestWhatMakesNoSenseOfOneWhoIsNobodyAnyMore: the users change while it is being read.
func TestWhatMakesNoSenseOfOneWhoIsNobodyAnyMore(t *testing.T) {
	b, k := guarded(t, nil)
	var conn net.Conn
	c := enter(t, options(b, "north", "north").SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (_ net.Conn, err error) {
		conn, err = from(b, "127.9.0.1")
		return conn, err
	}))
	for _, g := range b.door.inside() {
		g.who.Store(nil)
	}
	if _, err := conn.Write([]byte{0x30, 0xff, 0xff, 0xff, 0x7f}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "told", func() bool { return k.refused("", "malformed") == 1 })
	eventually(t, "sent away", func() bool { return !c.IsConnectionOpen() })
}

// TestSuspectsGuessAtTheirOwnCost: they use up their own looks at passwords, and a newcomer has his.
func TestSuspectsGuessAtTheirOwnCost(t *testing.T) {
	b, k := guarded(t, nil)
	for i := range 10 {
		address := fmt.Sprint("127.9.0.", 1+i)
		b.door.conduct.strike(address, "login", time.Now())
		refusedToEnter(t, comesFrom(options(b, "anna", "guess").SetPassword("wrong horse"), b, address))
	}
	eventually(t, "told", func() bool { return k.refused("anna", "login")+k.refused("anna", "login rate") == 10 })
	if n := k.refused("anna", "login rate"); n < 4 {
		t.Errorf("%d of 10 guesses were not looked at", n)
	}
	if all := b.login.all.of[struct{}{}]; all != nil {
		t.Errorf("%v looks were at others' cost", all.used)
	}
	enter(t, options(b, "anna", "anna"))
}

// TestOneLookAtAPasswordIsEnoughForACrowd of its owner's, that comes all at once.
func TestOneLookAtAPasswordIsEnoughForACrowd(t *testing.T) {
	b, _ := guarded(t, nil)
	var all sync.WaitGroup
	for i := range MaxOfUser {
		o := comesFrom(options(b, "anna", fmt.Sprint("anna", i)), b, fmt.Sprint("127.9.0.", 1+i))
		all.Go(func() {
			c := paho.NewClient(o)
			if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
				t.Errorf("not let in: %v", token.Error())
			}
			c.Disconnect(20)
		})
	}
	all.Wait()
	if used := b.login.all.of[struct{}{}].used; used > 1 {
		t.Errorf("%v looks", used)
	}
}

func TestAnAccountEmptiesWithTime(t *testing.T) {
	var c conduct
	now := time.Now()
	for range bearable {
		c.strike("192.0.2.1", "publish", now)
	}
	if c.away("192.0.2.1", now) || c.suspect("192.0.2.1", now) {
		t.Error("what is bearable is not borne")
	}
	c.strike("192.0.2.1", "publish", now)
	if !c.away("192.0.2.1", now.Add(turnedAway-1)) || c.away("192.0.2.1", now.Add(turnedAway)) {
		t.Errorf("turned away for other than %v", turnedAway)
	}
	if !c.suspect("192.0.2.1", now.Add(suspicion-1)) || c.suspect("192.0.2.1", now.Add(suspicion)) {
		t.Errorf("suspect for other than %v", suspicion)
	}
	now = now.Add(turnedAway + time.Second)
	for range bearable - 1 {
		c.strike("192.0.2.1", "publish", now)
	}
	if c.away("192.0.2.1", now) {
		t.Error("the account was not empty")
	}
	for range 100 * bearable { // a client can be slow, or one too many, with no fault of its own
		c.strike("192.0.2.2", "connections", now)
		c.strike("192.0.2.2", "login rate", now)
		c.strike("127.0.0.1", "login", now)
		c.strike("::1", "login", now)
	}
	if c.away("192.0.2.2", now) || c.away("127.0.0.1", now) || c.away("::1", now) {
		t.Error("turned away without fault")
	}
}

func TestAccountsAreBounded(t *testing.T) {
	var c conduct
	now := time.Now()
	for i := range 3 * maxAddresses {
		c.strike(fmt.Sprint(i), "flood", now)
		c.strike(fmt.Sprint(i), "flood", now)
	}
	if len(c.of) != maxAddresses || c.away(fmt.Sprint(maxAddresses), now) {
		t.Errorf("%d accounts", len(c.of))
	}
	c.strike("new", "flood", now.Add(2*suspicion+1))
	if len(c.of) != 1 {
		t.Errorf("%d old accounts are kept", len(c.of)-1)
	}
}

func TestACrowdOfManyAddressesComesAtABoundedRate(t *testing.T) {
	d, now, in := newDoor(func(refusal) {}), time.Now(), 0
	for i := range 1000 {
		if d.comes(&guest{address: fmt.Sprint("192.0.2.", i)}, now) == "" {
			in++
		}
	}
	if in != int(allArrivals.burst) {
		t.Errorf("%d of 1000 came in at once", in)
	}
	if why := d.comes(&guest{address: "127.0.0.1", local: true}, now); why != "" {
		t.Errorf("a program of this machine is turned away: %s", why)
	}
}
