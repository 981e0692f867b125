package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

const good = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestUsersAreReadAndMistakesTold(t *testing.T) {
	users, problems := Parse([]string{"north:camera:" + good, "anna:operator:" + good, "panel:monitor:certificate"})
	if len(users) != 3 || len(problems) != 0 || users[1] != (User{"anna", Operator, good}) {
		t.Fatal(users, problems)
	}
	for entry, says := range map[string]string{
		"north":              "is not \"name:role:hash\"",
		"north:camera":       "is not \"name:role:hash\"",
		":camera:" + good:    "has no name",
		"a/b:camera:" + good: "has no name",
		strings.Repeat("n", 65) + ":camera:" + good: "has no name",
		"north:boss:" + good:                        "no role",
		"north:camera:hunter2hunter2":               "no hash that can be used",
		"north:camera:":                             "no hash that can be used",
	} {
		users, problems := Parse([]string{entry})
		if len(users) != 0 || len(problems) != 1 || problems[0].Weak || !strings.Contains(problems[0].Text, says) {
			t.Errorf("%s: %v %v", entry, users, problems)
		}
		if strings.Contains(fmt.Sprint(problems), "hunter2") {
			t.Errorf("a password is told: %v", problems)
		}
	}
	if users, problems = Parse([]string{"n:camera:" + good, "n:operator:" + good}); len(users) != 1 || len(problems) != 1 {
		t.Error("one name twice", users, problems)
	}
	weak := strings.Replace(good, "t=2", "t=1", 1)
	if users, problems = Parse([]string{"n:camera:" + weak}); len(users) != 1 || len(problems) != 1 || !problems[0].Weak {
		t.Error("weak", users, problems)
	}
	many := make([]string, MaxUsers+5)
	for i := range many {
		many[i] = fmt.Sprintf("n%d:camera:%s", i, good)
	}
	if users, problems = Parse(many); len(users) != MaxUsers || len(problems) != 1 {
		t.Error(len(users), problems)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, users[0]); strings.Contains(s, "argon2") {
			t.Errorf("%s tells the hash: %s", verb, s)
		}
	}
}

// fits is the deliberately simple look whether a filter matches a topic: MQTT 3.1.1 §4.7, word for word.
func fits(filter, topic string) bool {
	f, w := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && (f[0] == "#" || f[0] == "+") {
		return false
	}
	for i, level := range f {
		if level == "#" {
			return true
		}
		if i >= len(w) {
			return false
		}
		if level != "+" && level != w[i] {
			return false
		}
		if i == len(w)-1 && len(f) == len(w)+1 && f[len(f)-1] == "#" {
			return true
		}
	}
	return len(f) == len(w)
}

var prefixes = []protocol.Prefixes{{Frigate: "frigate"}, {Ours: "site7", Frigate: "frigate"},
	{Ours: "a/b", Frigate: "a/b/nvr"}, {Ours: "frigate", Frigate: "frigate"}, {}}

// whole begins the topics that stand below no prefix of ours.
const whole = "homeassistant"

// want is the table of rights in words of its own: role by role, "p" to publish, "s" to subscribe.
var want = []struct {
	topic                     string
	foreign                   bool
	camera, monitor, operator string
}{
	{"fire/detection", false, "p", "s", "ps"},
	{"fire/detection/north", false, "p", "s", "ps"},
	{"fire/detection/north/more", false, "", "s", "s"},
	{"fire/trigger", false, "", "s", "ps"},
	{"fire/emergency", false, "", "s", "ps"},
	{"fire/other", false, "", "s", "s"},
	{"system/camera_telemetry", false, "p", "s", "ps"},
	{"system/telemetry", false, "p", "s", "ps"},
	{"system/trigger_telemetry", false, "", "s", "s"},
	{"system/gpio_trigger/health", false, "", "s", "s"},
	{"system/gpio_trigger/lwt", false, "", "s", "s"},
	{"system/alarms", false, "", "s", "s"},
	{"system/state", false, "", "s", "s"},
	{whole + "/status", false, "", "s", "ps"},
	{whole + "/device/id1/config", false, "", "s", "s"},
	{"camera/discovery/aa:bb", false, "", "s", "s"},
	{"camera/status/aa:bb", false, "", "s", "s"},
	{"frigate/config/cameras", false, "s", "s", "s"},
	{"events", true, "ps", "s", "ps"},
	{"camera_activity", true, "ps", "s", "ps"},
	{"available", true, "ps", "s", "ps"},
	{"stats", true, "ps", "s", "ps"},
	{"north/status/detect", true, "ps", "s", "ps"},
	{"north/fire", true, "ps", "s", "ps"},
	{"north/fire/snapshot", true, "ps", "s", "ps"},
	{"north/detect/state", true, "ps", "s", "ps"},
	{"reviews", true, "ps", "s", "ps"},
	{"onConnect", true, "s", "s", "ps"},
	{"restart", true, "s", "s", "ps"},
	{"north/detect/set", true, "s", "s", "ps"},
	{"north/ptz", true, "s", "s", "ps"},
	{"notifications/set", true, "s", "s", "ps"},
}

func TestEveryRoleOnEveryTopic(t *testing.T) {
	for _, p := range prefixes[:3] {
		table := TableOf(p)
		for _, w := range want {
			topic := p.Of(w.topic, w.foreign)
			if strings.HasPrefix(w.topic, whole) {
				topic = w.topic
			}
			for role, rights := range map[Role]string{Camera: w.camera, Monitor: w.monitor, Operator: w.operator} {
				may, order := table.MayPublish(role, topic)
				if may != strings.Contains(rights, "p") {
					t.Errorf("%v: %s publishes on %s: %v", p, role, topic, may)
				}
				if order != (w.topic == "fire/trigger" || w.topic == "fire/emergency") {
					t.Errorf("%v: %s is an order: %v", p, topic, order)
				}
				if may := table.MaySubscribe(role, topic); may != strings.Contains(rights, "s") {
					t.Errorf("%v: %s reads %s: %v", p, role, topic, may)
				}
			}
		}
	}
}

// TestEveryTopicOfOursHasARow: what is added to protocol.Topics is thought of here.
func TestEveryTopicOfOursHasARow(t *testing.T) {
	for _, topic := range protocol.Topics {
		name := strings.NewReplacer("<camera>", "north", "<mac>", "aa:bb", "<service>", "gpio_trigger", "<id>", "id1").Replace(topic.Name)
		if !slices.ContainsFunc(want, func(w struct {
			topic                     string
			foreign                   bool
			camera, monitor, operator string
		}) bool {
			return w.topic == name && w.foreign == topic.Foreign
		}) {
			t.Errorf("%s stands in no row of this test: say who may do what with it", topic.Name)
		}
	}
}

func TestNobodyElsePublishesWhatWeDo(t *testing.T) {
	for _, p := range prefixes {
		table := TableOf(p)
		for _, topic := range protocol.Topics {
			in := slices.ContainsFunc(protocol.Topics, func(o protocol.Topic) bool { return o.In && o.Name == topic.Name })
			if topic.In || topic.Foreign || in {
				continue
			}
			for _, role := range Roles {
				if may, _ := table.MayPublish(role, strings.ReplaceAll(p.Place(topic, topic.Filter()), "+", "x")); may {
					t.Errorf("%v: %s publishes on %s", p, role, topic.Name)
				}
			}
		}
	}
}

func TestWildcardsReachAsFarAsTheRole(t *testing.T) {
	table := TableOf(protocol.Prefixes{Frigate: "frigate"})
	for filter, who := range map[string]string{"#": "mo", "+/+": "mo", "fire/#": "mo", "fire/+": "mo", "frigate/#": "cmo",
		"frigate/+/+/set": "cmo", "frigate/+/detect/set": "cmo", "+/config/cameras": "mo", "frigate/config/cameras": "cmo", "$SYS/#": "mo",
		"$SYS/broker/uptime": "mo", "$share/g/#": "", "$SHARE/g/fire/emergency": "", "$other/x": "", "fire/detection/#": "mo", "+/#": "mo", "frigate/../fire": "cmo"} {
		for role, letter := range map[Role]string{Camera: "c", Monitor: "m", Operator: "o"} {
			if may := table.MaySubscribe(role, filter); may != strings.Contains(who, letter) {
				t.Errorf("%s subscribes to %s: %v", role, filter, may)
			}
		}
	}
	for _, topic := range []string{"", "#", "fire/+", "fire/detection/+", "frigate/\x00", "$SYS/broker/version", "Fire/Detection"} {
		if may, _ := table.MayPublish(Camera, topic); may {
			t.Errorf("a camera publishes on %q", topic)
		}
	}
	if may, _ := Table(nil).MayPublish(Operator, "x"); may || Table(nil).MaySubscribe(Operator, "x") {
		t.Error("an empty table gives rights")
	}
}

var levels = rapid.SampledFrom([]string{"fire", "detection", "trigger", "emergency", "frigate", "north", "set", "config", "cameras",
	"system", "$SYS", "", "x", "a", "b", "nvr"})

func topics(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(levels, 1, 4).Draw(t, "topic"), "/")
}

func filters(t *rapid.T) string {
	all := rapid.SliceOfN(rapid.OneOf(levels, rapid.Just("+")), 1, 4).Draw(t, "filter")
	if rapid.Bool().Draw(t, "rest") {
		all[len(all)-1] = "#"
	}
	return strings.Join(all, "/")
}

// TestMatchingIsThatOfASimpleOne holds Covers and Overlap against the simple look.
func TestMatchingIsThatOfASimpleOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, topic := filters(t), filters(t), topics(t)
		if Covers(a, topic) != fits(a, topic) {
			t.Fatalf("Covers(%q, %q) is %v", a, topic, Covers(a, topic))
		}
		if fits(b, topic) && !fits(a, topic) && Covers(a, b) {
			t.Fatalf("%q covers %q, but not %q", a, b, topic)
		}
		if fits(a, topic) && fits(b, topic) && !Overlap(a, b) {
			t.Fatalf("%q and %q overlap on %q", a, b, topic)
		}
		if Overlap(a, b) != Overlap(b, a) {
			t.Fatalf("Overlap of %q and %q depends on the order", a, b)
		}
	})
}

// TestAGrantedFilterReachesNothingForbidden is the promise of the package.
func TestAGrantedFilterReachesNothingForbidden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := TableOf(rapid.SampledFrom(prefixes).Draw(t, "prefixes"))
		role, filter, topic := rapid.SampledFrom(Roles).Draw(t, "role"), filters(t), topics(t)
		if table.MaySubscribe(role, filter) && fits(filter, topic) && !table.MaySubscribe(role, topic) {
			t.Fatalf("%s may subscribe to %q, which reaches %q", role, filter, topic)
		}
	})
}
