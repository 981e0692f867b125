package device

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

var here = netip.MustParseAddr("10.0.0.5")

func TestStreamsLoseTheirHostAndTheirLogin(t *testing.T) {
	six := netip.MustParseAddr("fd00::5")
	for _, c := range []struct {
		told string
		ip   netip.Addr
		want string
	}{
		{"rtsp://192.168.68.111/h264main", here, "rtsp://10.0.0.5/h264main"},
		{"rtsp://10.0.0.5:554/a?channel=1&subtype=0", here, "rtsp://10.0.0.5:554/a?channel=1&subtype=0"},
		{"rtsp://admin:secret@x:8554/a", here, "rtsp://10.0.0.5:8554/a"},
		{"rtsp://0.0.0.0/a?user=admin&password=secret&channel=2", here, "rtsp://10.0.0.5/a?channel=2"},
		{"rtsp://x/a?PWD=secret", here, "rtsp://10.0.0.5/a"},
		{"rtsps://x:322/a%20b", here, "rtsps://10.0.0.5:322/a%20b"},
		{"rtsp://[fe80::1]:8554", six, "rtsp://[fd00::5]:8554/"},
		{"rtsp://x/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp", here, ""},
		{"http://x/a", here, ""}, {"rtsp:a", here, ""}, {"rtsp://", here, ""}, {"/a", here, ""}, {"rtsp://x:0/a", here, ""},
		{"rtsp://x/a\x00", here, ""}, {"rtsp://x/ä", here, ""}, {"", here, ""},
	} {
		got, ok := stream(c.told, c.ip)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q, %v", c.told, got, ok)
		}
	}
}

func TestServicesAreWhereTheDeviceWasReached(t *testing.T) {
	home, _ := reach("http://10.0.0.5:8080/onvif/device_service", here)
	for told, want := range map[string]string{
		"http://10.0.0.5:8080/onvif/media":   "http://10.0.0.5:8080/onvif/media",
		"http://10.0.0.5:8081/onvif/media":   "http://10.0.0.5:8081/onvif/media", // its own host: its port counts
		"http://10.0.0.5/onvif/media?a=b":    "http://10.0.0.5/onvif/media?a=b",
		"http://192.168.1.9/onvif/media":     "http://10.0.0.5:8080/onvif/media", // another's: ours counts
		"http://0.0.0.0:80/onvif/media":      "http://10.0.0.5:8080/onvif/media",
		"http://camera.local:80/onvif/media": "http://10.0.0.5:8080/onvif/media",
		"https://10.0.0.5/onvif/media":       "http://10.0.0.5:8080/onvif/media",
		"http://u:p@10.0.0.5:8080":           "http://10.0.0.5:8080/",
		"rtsp://10.0.0.5/onvif/media":        "",
		"":                                   "",
		"http://10.0.0.5:8080/\x7f":          "",
	} {
		got := ""
		if at, ok := beside(home, told, here); ok {
			got = at.String()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", told, got, want)
		}
	}
}

func TestAddressesAreTriedInStages(t *testing.T) {
	many := make([]int, 0, 40)
	for p := range 40 {
		many = append(many, 9000+p)
	}
	for _, c := range []struct {
		name  string
		order protocol.InterviewOrder
		want  string
	}{
		{"nothing", protocol.InterviewOrder{}, "[]"},
		{"announced, several in one", protocol.InterviewOrder{XAddrs: []string{"http://169.254.3.4/onvif/device_service http://10.0.0.5/onvif/device_service", "http://[fe80::1]:8080/x"}},
			"[[http://10.0.0.5/onvif/device_service http://10.0.0.5:8080/x]]"},
		{"https beside http", protocol.InterviewOrder{XAddrs: []string{"https://10.0.0.5/s", "http://10.0.0.5/p"}}, "[[http://10.0.0.5/p]]"},
		{"https alone, then ports", protocol.InterviewOrder{XAddrs: []string{"https://10.0.0.5/s"}, Ports: []int{443, 80, 8899, 554, 8554, 80, 0, 1 << 20}},
			"[[https://10.0.0.5/s] [http://10.0.0.5/onvif/device_service http://10.0.0.5:8899/onvif/device_service] [https://10.0.0.5/onvif/device_service]]"},
		{"a port of what was announced", protocol.InterviewOrder{XAddrs: []string{"http://0.0.0.0/onvif/device_service"}, Ports: []int{80}}, "[[http://10.0.0.5/onvif/device_service]]"},
		{"a door of RTSP", protocol.InterviewOrder{Ports: []int{1234, 80}, Doors: []protocol.Door{{Port: 1234}}}, "[[http://10.0.0.5/onvif/device_service]]"},
	} {
		if got := fmt.Sprint(stages(c.order, here)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if got := stages(protocol.InterviewOrder{Ports: many}, here); len(got) != 1 || len(got[0]) != maxPorts {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsLocal(t *testing.T) {
	for ip, want := range map[string]bool{"127.0.0.1": true, "10.1.2.3": true, "192.168.1.1": true, "172.31.0.1": true, "169.254.1.1": true, "fe80::1": true,
		"fd00::1": true, "::1": true, "8.8.8.8": false, "172.32.0.1": false, "2001:db8::1": false} {
		if isLocal(netip.MustParseAddr(ip)) != want {
			t.Error(ip)
		}
	}
}

func FuzzAddresses(f *testing.F) {
	for _, s := range []string{"http://10.0.0.5:8080/onvif/device_service", "rtsp://u:p@x:554/a?user=u&b=c", "https://[fe80::1%25eth0]/x", "rtsp://x/%2f%zz?&&=", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, told string) {
		if at, ok := reach(told, here); ok && (at.Hostname() != "10.0.0.5" || at.User != nil) {
			t.Errorf("%q leads to %s", told, at)
		}
		if at, ok := stream(told, here); ok {
			rest, plain := strings.CutPrefix(strings.TrimPrefix(at, "rtsps"), "://10.0.0.5")
			if !plain {
				rest, plain = strings.CutPrefix(at, "rtsp://10.0.0.5")
			}
			if !plain || rest == "" || rest[0] != '/' && rest[0] != ':' {
				t.Errorf("%q leads to %q", told, at)
			}
			if again, ok := stream(at, here); !ok || again != at {
				t.Errorf("%q becomes %q, then %q", told, at, again)
			}
		}
		stages(protocol.InterviewOrder{XAddrs: []string{told}}, here)
	})
}
