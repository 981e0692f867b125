//go:build network

package device

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// The lab is a switch with cameras of other projects' making on it, each a network namespace. The test
// runs itself anew inside the lab's appliance. CAMERA_LAB is the folder of lab.sh; a lab that is up
// already (CAMLAB_ID, CAMLAB_STATE) is used and left up.
const inside = "CAMERA_LAB_INSIDE"

func TestCamerasOfTheLab(t *testing.T) {
	if os.Getenv(inside) != "" {
		interviewTheLab(t)
		return
	}
	folder := os.Getenv("CAMERA_LAB")
	if folder == "" {
		folder = filepath.Join("..", "..", "test", "network", "lab")
	}
	lab := func(arguments ...string) string {
		t.Helper()
		c := exec.Command(filepath.Join(folder, "lab.sh"), arguments...)
		c.Env = append(os.Environ(), inside+"=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("lab.sh %s: %v\n%s", arguments[0], err, out)
		}
		return string(out)
	}
	if strings.Contains(lab("status"), "is down") {
		lab("up")
		t.Cleanup(func() { lab("down") })
	}
	for _, camera := range []string{"cam01", "cam02"} { // an account may still be locked from the last time
		lab("kill", camera)
		lab("start", camera)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(lab("exec", "app", self, "-test.run", "^TestCamerasOfTheLab$", "-test.v"))
}

// labHost is one host as the lab's ground truth has it.
type labHost struct {
	ID, MAC, IP, User, Password string
	ONVIF                       struct {
		XAddr, Manufacturer, Model, Firmware, Serial string
		Offset                                       int `json:"clock_offset_s"`
	}
	Streams []struct {
		URL, Codec    string
		Width, Height int
	}
}

func (h labHost) order(logins ...protocol.Login) protocol.InterviewOrder {
	return protocol.InterviewOrder{IP: h.IP, XAddrs: []string{h.ONVIF.XAddr}, Ports: []int{80, 554, 8080, 8554, 8899}, Logins: logins, ONVIFTime: 5 * time.Second}
}

func (h labHost) login() protocol.Login {
	return protocol.Login{ID: h.ID, User: h.User, Password: h.Password}
}

// stateFolder is where the lab keeps its logs, as lab.sh decides it.
func stateFolder() string {
	return cmp.Or(os.Getenv("CAMLAB_STATE"), filepath.Join(cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), "/run"), "camlab-"+cmp.Or(os.Getenv("CAMLAB_ID"), "0")))
}

// attempts are how often the camera wrote each word into its log.
func attempts(t *testing.T, camera string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(stateFolder(), "log", camera+".onvif"))
	if err != nil {
		t.Fatal(err)
	}
	n := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		what, _, _ := strings.Cut(rest, " user=")
		switch what {
		case "AUTH-OK", "AUTH-NONE", "AUTH-LOCKED", "LOCKOUT":
			n[what]++
		case "":
		default:
			n["bad"]++ // AUTH-FAIL, or gSOAP's own words for it
		}
	}
	return n
}

func interviewTheLab(t *testing.T) {
	self, err := exec.Command("hostname", "-I").Output()
	if err != nil {
		t.Fatal(err)
	}
	net := strings.TrimSpace(string(self))
	net = net[:strings.LastIndexByte(net, '.')]
	hosts := truth(t, net)
	t.Run("every ONVIF camera tells the truth", func(t *testing.T) {
		for _, id := range []string{"cam01", "cam02", "cam03", "cam04", "cam10"} {
			checkCamera(t, hosts[id])
		}
	})
	t.Run("cam03 is found by its port", func(t *testing.T) {
		o := hosts["cam03"].order(hosts["cam03"].login())
		o.XAddrs = nil
		if a := Ask(t.Context(), o); !a.Video || a.XAddr != hosts["cam03"].ONVIF.XAddr {
			t.Errorf("%+v", a)
		}
	})
	t.Run("what is no camera is none", func(t *testing.T) {
		for _, id := range []string{"oth01", "oth02", "oth03", "oth04", "oth05", "cam12"} {
			h := hosts[id]
			h.ONVIF.XAddr = "http://" + h.IP + ":5357/devices/print"
			began := time.Now()
			a := Ask(t.Context(), h.order(protocol.Login{ID: "a", User: "admin", Password: "wrong"}))
			took := time.Since(began)
			if a.ONVIF || a.Video || took > 6*time.Second {
				t.Errorf("%s: %+v in %v", id, a, took)
			}
			t.Logf("%s: %.3f s, %s", id, took.Seconds(), a.Problem)
		}
	})
	t.Run("a wrong login is sent once", func(t *testing.T) {
		for _, id := range []string{"cam01", "cam02", "cam03", "cam10"} {
			checkWrong(t, hosts[id])
		}
	})
	t.Run("a lock stops everything", func(t *testing.T) { checkLock(t, hosts["cam02"]) })
	t.Run("alive", func(t *testing.T) {
		for _, id := range []string{"cam01", "cam03", "cam10"} {
			if alive, problem := Alive(t.Context(), hosts[id].ONVIF.XAddr, hosts[id].IP); !alive || problem != "" {
				t.Errorf("%s: %v %q", id, alive, problem)
			}
		}
		if alive, problem := Alive(t.Context(), "http://"+hosts["oth03"].IP+":5357/devices/print", hosts["oth03"].IP); alive || problem == "" {
			t.Errorf("the printer: %v %q", alive, problem)
		}
	})
}

// truth reads the lab's expected.json.
func truth(t *testing.T, net string) map[string]labHost {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(stateFolder(), "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Net             string
		Cameras, Others []labHost
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(all.Net, net+".") {
		t.Fatalf("inside %s.0, the lab is %s", net, all.Net)
	}
	hosts := make(map[string]labHost)
	for _, h := range slices.Concat(all.Cameras, all.Others) {
		hosts[h.ID] = h
	}
	return hosts
}

// checkCamera interviews a camera with its login and compares all that it says.
func checkCamera(t *testing.T, h labHost) {
	t.Helper()
	logins, want := []protocol.Login{h.login()}, protocol.LoginGood
	if h.User == "" {
		logins, want = nil, protocol.LoginNone
	}
	before := map[string]int{}
	if h.ID != "cam03" && h.ID != "cam04" { // their logs hold no attempts
		before = attempts(t, h.ID)
	}
	began := time.Now()
	a := Ask(t.Context(), h.order(logins...))
	took := time.Since(began)
	t.Logf("%s: %.3f s, login %s, offset %v, name %q, MACs %v, %d streams, %q", h.ID, took.Seconds(), a.Login, a.ClockOffset, a.Name, a.MACs, len(a.Streams), a.Problem)
	if !a.ONVIF || !a.Media || !a.Video || a.Login != want || len(a.Refused) > 0 || a.Problem != "" {
		t.Errorf("%s: %+v", h.ID, a)
	}
	if a.Manufacturer != h.ONVIF.Manufacturer || a.Model != h.ONVIF.Model || a.Firmware != h.ONVIF.Firmware && h.ONVIF.Firmware != "" || a.Serial != h.ONVIF.Serial {
		t.Errorf("%s: %+v", h.ID, a)
	}
	if off := a.ClockOffset.Seconds() - float64(h.ONVIF.Offset); math.Abs(off) > 2 && h.ID != "cam04" { // its clock stands in 2014
		t.Errorf("%s: clock offset %v, want %d s", h.ID, a.ClockOffset, h.ONVIF.Offset)
	}
	if len(a.Streams) != len(h.Streams) {
		t.Fatalf("%s: streams %+v", h.ID, a.Streams)
	}
	for i, s := range h.Streams {
		got := a.Streams[i]
		sized := got.Width == s.Width && got.Height == s.Height || h.ID == "cam03" || h.ID == "cam04" // these say 1080p of everything
		if got.URL != s.URL || got.Codec != s.Codec || !sized {
			t.Errorf("%s: stream %+v, want %+v", h.ID, got, s)
		}
	}
	if len(before) > 0 {
		after := attempts(t, h.ID)
		if after["bad"] != before["bad"] || after["AUTH-NONE"]-before["AUTH-NONE"] > 1 || after["AUTH-OK"] == before["AUTH-OK"] {
			t.Errorf("%s: attempts %v, before %v", h.ID, after, before)
		}
		if !slices.Contains(a.MACs, h.MAC) {
			t.Errorf("%s: MACs %v", h.ID, a.MACs)
		}
	}
}

// checkWrong interviews a camera with a wrong login, alone and before the right one.
func checkWrong(t *testing.T, h labHost) {
	t.Helper()
	wrong := protocol.Login{ID: "wrong", User: h.User, Password: "wrong-" + h.ID}
	bad := func() int {
		if h.ID == "cam03" {
			return 0
		}
		return attempts(t, h.ID)["bad"]
	}
	before := bad()
	a := Ask(t.Context(), h.order(wrong))
	if a.Login != protocol.LoginWrong || !slices.Equal(a.Refused, []string{"wrong"}) || a.Video || a.Problem == "" || strings.Contains(a.Problem, "wrong-") {
		t.Errorf("%s: %+v", h.ID, a)
	}
	t.Logf("%s: %s", h.ID, a.Problem)
	if n := bad() - before; n > 1 {
		t.Errorf("%s: %d bad logins of one interview", h.ID, n)
	}
	before = bad()
	a = Ask(t.Context(), h.order(wrong, h.login()))
	if a.Login != protocol.LoginGood || a.LoginID != h.ID || !slices.Equal(a.Refused, []string{"wrong"}) || !a.Video {
		t.Errorf("%s: %+v", h.ID, a)
	}
	if n := bad() - before; n > 1 {
		t.Errorf("%s: %d bad logins of one interview", h.ID, n)
	}
}

// checkLock locks an account and then comes with the right login.
func checkLock(t *testing.T, h labHost) {
	t.Helper()
	start := attempts(t, h.ID)
	for range 5 {
		Ask(t.Context(), h.order(protocol.Login{ID: "wrong", User: h.User, Password: "no"}))
	}
	before := attempts(t, h.ID)
	a := Ask(t.Context(), h.order(h.login(), protocol.Login{ID: "another", User: "a", Password: "b"}))
	after := attempts(t, h.ID)
	if before["LOCKOUT"] != start["LOCKOUT"]+1 || a.Login != protocol.LoginLocked || len(a.Refused) != 0 || !a.ONVIF || after["AUTH-LOCKED"] != start["AUTH-LOCKED"]+1 || after["bad"] != before["bad"] {
		t.Errorf("%+v; attempts before %v, after %v", a, before, after)
	}
	t.Log(a.Problem)
}
