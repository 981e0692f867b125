package broker

import (
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/protocol/access"
	"wildfire-watch/protocol/password"
)

// TestUsersThatWereRemovedOrChangedAreSentAway, and nothing that they leave behind is done.
func TestUsersThatWereRemovedOrChangedAreSentAway(t *testing.T) {
	b, _ := guarded(t, nil)
	heard := make(chan string, 10)
	ours := inside(t, b, "ours", func(m paho.Message) { heard <- m.Topic() })
	done(t, ours.Subscribe("fire/#", 1, nil))
	clients := make(map[string]paho.Client)
	for _, user := range []string{"north", "panel", "anna"} {
		clients[user] = enter(t, options(b, user, user).SetWill("fire/emergency", "start", 1, false))
	}
	other, err := password.Hash("battery staple")
	if err != nil {
		t.Fatal(err)
	}
	south := access.User{Name: "south", Role: access.Camera, Hash: hashed()}
	b.ChangeUsers([]access.User{users()[0], {Name: "panel", Role: access.Monitor, Hash: other}, south})
	eventually(t, "panel and anna are sent away", func() bool { return !clients["panel"].IsConnected() && !clients["anna"].IsConnected() })
	refusedToEnter(t, options(b, "anna", "a"))
	refusedToEnter(t, options(b, "panel", "p"))
	enter(t, options(b, "panel", "p").SetPassword("battery staple"))
	enter(t, options(b, "south", "s"))
	done(t, clients["north"].Publish("fire/detection/north", 1, false, "{}"))
	done(t, ours.Publish("fire/last", 1, false, ""))
	for topic := range heard {
		if topic == "fire/emergency" {
			t.Fatal("the last will of a user who was removed has started the pump")
		}
		if topic == "fire/last" {
			break
		}
	}
	if !clients["north"].IsConnected() {
		t.Error("a user who has not changed was sent away")
	}
}

// TestTheFirstUserEndsTheOpenHouse: without users this machine's programs may everything.
func TestTheFirstUserEndsTheOpenHouse(t *testing.T) {
	b, _ := guarded(t, func(s *Settings) { s.Users = nil })
	c := enter(t, options(b, "", "anybody"))
	b.ChangeUsers(users())
	eventually(t, "sent away", func() bool { return !c.IsConnected() })
	refusedToEnter(t, options(b, "", "anybody"))
	anna := enter(t, options(b, "anna", "a"))
	b.ChangeUsers(nil)
	eventually(t, "sent away", func() bool { return !anna.IsConnected() })
	enter(t, options(b, "", "anybody"))
}

// TestALoginThatEndsAfterItsUserWasRemovedOpensNothing: her password is being looked at meanwhile.
func TestALoginThatEndsAfterItsUserWasRemovedOpensNothing(t *testing.T) {
	b, _ := guarded(t, nil)
	b.login.busy <- struct{}{}
	c := paho.NewClient(options(b, "anna", "a"))
	token := c.Connect()
	eventually(t, "she waits", func() bool {
		b.login.attempts.mu.Lock()
		defer b.login.attempts.mu.Unlock()
		return len(b.login.attempts.of) > 0
	})
	b.ChangeUsers(users()[:1])
	<-b.login.busy
	if !token.WaitTimeout(patience) || token.Error() == nil {
		t.Error("she was let in")
		c.Disconnect(20)
	}
	for _, g := range b.door.inside() {
		if g.who.Load() != nil && !g.own {
			t.Error("somebody is in who is no user")
		}
	}
}
