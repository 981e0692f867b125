package onvif

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// decoders are all of them by the request that they answer.
var decoders = map[string]func(io.Reader) (any, error){
	"clock":        func(r io.Reader) (any, error) { return DecodeClock(r) },
	"info":         func(r io.Reader) (any, error) { return DecodeInfo(r) },
	"services":     func(r io.Reader) (any, error) { return DecodeServices(r) },
	"capabilities": func(r io.Reader) (any, error) { return DecodeCapabilities(r) },
	"interfaces":   func(r io.Reader) (any, error) { return DecodeInterfaces(r) },
	"hostname":     func(r io.Reader) (any, error) { return DecodeHostname(r) },
	"scopes":       func(r io.Reader) (any, error) { return DecodeScopes(r) },
	"profiles":     func(r io.Reader) (any, error) { return DecodeProfiles(r) },
	"encoders":     func(r io.Reader) (any, error) { return DecodeEncoders(r) },
	"uri":          func(r io.Reader) (any, error) { return DecodeStreamURI(r) },
}

// recorded are answers of real servers: gSOAP (Debian), go2rtc 1.9.9, the mock-up of npm's onvif 0.6.2
// without its headers.
var recorded = []struct{ file, decoder, want string }{
	{"gsoap-clock", "clock", "2026-11-27 05:53:41 +0000 UTC"},
	{"go2rtc-clock", "clock", "2026-11-27 05:53:41 +0000 UTC"},
	{"mock-clock", "clock", "2014-12-24 19:14:37 +0000 UTC"},
	{"gsoap-info", "info", "{Labvision LV-2CD1 V5.7.1 LV0A0001}"},
	{"go2rtc-info", "info", "{ go2rtc 1.9.9 10.77.3.13:8899}"},
	{"mock-info", "info", "{Mockup Manufacturer Mockup Model Mockup_15_14_13 00000000}"},
	{"gsoap-services", "services", "{http://10.77.3.11:80/onvif/media_service http://10.77.3.11:80/onvif/media2_service}"},
	{"go2rtc-services", "services", "{http://10.77.3.13:8899/onvif/media_service }"},
	{"mock-services", "services", "{http://192.168.68.111/onvif/services }"},
	{"go2rtc-capabilities", "capabilities", "{http://10.77.3.13:8899/onvif/media_service }"},
	{"mock-capabilities", "capabilities", "{http://192.168.68.111/onvif/services }"},
	{"gsoap-interfaces", "interfaces", "[44:19:b6:0a:00:01]"},
	{"go2rtc-interfaces", "interfaces", "[]"},
	{"mock-interfaces", "interfaces", "[28:57:be:65:7d:d5]"},
	{"go2rtc-hostname", "hostname", ""},
	{"mock-hostname", "hostname", "IPNC-RDK"},
	{"gsoap-scopes", "scopes", "Labvision"},
	{"go2rtc-scopes", "scopes", "go2rtc"},
	{"mock-scopes", "scopes", "PREDATOR"},
	{"gsoap-profiles", "profiles", "[{Profile_1 Profile_1 true {Enc_Profile_1 H264 1920 1080 5}} {Profile_2 Profile_2 true {Enc_Profile_2 H264 640 360 5}}]"},
	{"gsoap-profiles2", "profiles", "[{Profile_1 Profile_1 true {Enc_Profile_1 H264 1920 1080 0}} {Profile_2 Profile_2 true {Enc_Profile_2 H264 640 360 0}}]"},
	{"gsoap-h265", "profiles", "[{MediaProfile000 MediaProfile000 true {Enc_MediaProfile000 H265 2560 1440 0}}]"},
	{"go2rtc-profiles", "profiles", "[{main main true {vec H264 1920 1080 0}} {sub sub true {vec H264 1920 1080 0}}]"},
	{"mock-profiles", "profiles", "[{main main true {main H264 1920 1080 5}}]"},
	{"go2rtc-encoders", "encoders", "[{vec H264 1920 1080 0}]"},
	{"mock-encoders", "encoders", "[{main H264 1920 1080 5}]"},
	{"gsoap-uri", "uri", "rtsp://10.77.3.11/Streaming/Channels/101"},
	{"gsoap-uri2", "uri", "rtsp://10.77.3.11/Streaming/Channels/101"},
	{"go2rtc-urimain", "uri", "rtsp://10.77.3.13:554/main"},
	{"mock-urimain", "uri", "rtsp://192.168.68.111/h264main"},
	{"gsoap-refused", "info", "not authorized"},
	{"gsoap-unknown", "encoders", "fault of some other kind"},
	{"gsoap-printer", "clock", "fault of some other kind"},
}

func TestAnswersOfRealServersAreRead(t *testing.T) {
	for _, c := range recorded {
		got, err := decoders[c.decoder](bytes.NewReader(sample(t, c.file)))
		said := fmt.Sprint(got)
		if err != nil {
			said = err.Error()
		}
		if said != c.want {
			t.Errorf("%s: got %s, want %s", c.file, said, c.want)
		}
	}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// body wraps an answer into the least envelope.
func body(inside string) string {
	return `<e:Envelope xmlns:e="x"><e:Body>` + inside + `</e:Body></e:Envelope>`
}

func stampXML(name string, f ...int) string {
	return fmt.Sprintf("<%[1]s><Time><Hour>%[5]d</Hour><Minute>%[6]d</Minute><Second>%[7]d</Second></Time>"+
		"<Date><Year>%[2]d</Year><Month>%[3]d</Month><Day>%[4]d</Day></Date></%[1]s>", name, f[0], f[1], f[2], f[3], f[4], f[5])
}

func TestTheClockIsReadWhateverItsSummerTimeSays(t *testing.T) {
	noon := stampXML("UTCDateTime", 2026, 7, 1, 12, 0, 0)
	local := stampXML("LocalDateTime", 2026, 7, 1, 14, 0, 0)
	for name, c := range map[string]struct {
		inside, want string
	}{
		"UTC alone":                {noon, "2026-07-01T12:00:00Z"},
		"UTC beside local time":    {"<DaylightSavings>true</DaylightSavings><TimeZone><TZ>CET-1CEST</TZ></TimeZone>" + noon + local, "2026-07-01T12:00:00Z"},
		"local in summer":          {"<DaylightSavings>true</DaylightSavings><TimeZone><TZ>CET-1CEST,M3.5.0,M10.5.0/3</TZ></TimeZone>" + local, "2026-07-01T12:00:00Z"},
		"local in winter":          {"<DaylightSavings>false</DaylightSavings><TimeZone><TZ>CET-1CEST</TZ></TimeZone>" + local, "2026-07-01T13:00:00Z"},
		"local in the west":        {"<TimeZone><TZ>NST3:30NDT</TZ></TimeZone>" + local, "2026-07-01T17:30:00Z"},
		"local, a quoted zone":     {"<TimeZone><TZ>&lt;+03&gt;-3</TZ></TimeZone>" + local, "2026-07-01T11:00:00Z"},
		"local without a zone":     {local, "2026-07-01T14:00:00Z"},
		"local, an unreadable one": {"<TimeZone><TZ>Europe/Berlin</TZ></TimeZone>" + local, "2026-07-01T14:00:00Z"},
		"a leap second":            {stampXML("UTCDateTime", 2026, 6, 30, 23, 59, 60), "2026-07-01T00:00:00Z"},
		"a camera without battery": {stampXML("UTCDateTime", 1970, 1, 1, 0, 0, 9), "1970-01-01T00:00:09Z"},
		"a broken UTC":             {stampXML("UTCDateTime", 2026, 13, 1, 0, 0, 0) + local, "2026-07-01T14:00:00Z"},
		"no time":                  {"<DaylightSavings>true</DaylightSavings>", "answer"},
		"a broken time":            {stampXML("UTCDateTime", 2026, 7, 1, 25, 0, 0), "answer"},
		"a year out of reach":      {stampXML("UTCDateTime", 9999, 7, 1, 1, 0, 0), "answer"},
	} {
		text := body("<GetSystemDateAndTimeResponse><SystemDateAndTime>" + c.inside + "</SystemDateAndTime></GetSystemDateAndTimeResponse>")
		at, err := DecodeClock(strings.NewReader(text))
		got := at.Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestInterfacesThatAreEnabledComeFirst(t *testing.T) {
	one := func(mac, on string) string {
		return "<NetworkInterfaces><Enabled>" + on + "</Enabled><Info><HwAddress>" + mac + "</HwAddress></Info>" +
			"<IPv4><Enabled>true</Enabled></IPv4></NetworkInterfaces>"
	}
	text := body("<GetNetworkInterfacesResponse>" + one("00-11-22-33-44-55", "false") + one(" 0A1B2C3D4E5F ", "true") +
		one("0a:1b:2c:3d:4e:60", "1") + one("00:00:00:00:00:00", "true") + one("ff:ff:ff:ff:ff:ff", "true") + one("x", "true") +
		one("001122334455", "true") + "</GetNetworkInterfacesResponse>")
	macs, err := DecodeInterfaces(strings.NewReader(text))
	if got := fmt.Sprint(macs); err != nil || got != "[0a:1b:2c:3d:4e:5f 0a:1b:2c:3d:4e:60 00:11:22:33:44:55]" {
		t.Error(got, err)
	}
}

func TestOddProfilesCostNothing(t *testing.T) {
	for name, c := range map[string]struct{ inside, want string }{
		"none":              {"", "[]"},
		"no token":          {"<Profiles><Name>x</Name></Profiles>", "[]"},
		"an unprintable":    {"<Profiles token='a\x01b'/>", "[{a?b  false {  0 0 0}}]"},
		"sound alone":       {"<Profiles token='s'><AudioEncoderConfiguration token='a'><Encoding>AAC</Encoding></AudioEncoderConfiguration></Profiles>", "[{s  false {  0 0 0}}]"},
		"a source alone":    {"<Profiles token='s'><VideoSourceConfiguration token='v'/></Profiles>", "[{s  true {  0 0 0}}]"},
		"sizes from beyond": {"<Profiles token='s'><VideoEncoderConfiguration token='v'><Resolution><Width>99999999999</Width><Height>-1</Height></Resolution><RateControl><FrameRateLimit>NaN</FrameRateLimit></RateControl></VideoEncoderConfiguration></Profiles>", "[{s  true {v  0 0 0}}]"},
		"media2 with sound": {"<Profiles token='s'><Name>n</Name><Configurations><VideoSource token='q'/><VideoEncoder token='v'><Encoding>H265</Encoding><RateControl><FrameRateLimit>12.5</FrameRateLimit></RateControl></VideoEncoder><AudioEncoder><Encoding>MP4A-LATM</Encoding></AudioEncoder></Configurations></Profiles>", "[{s n true {v H265 0 0 12.5}}]"},
		"an unknown codec":  {"<Profiles token='s'><VideoEncoderConfiguration token='v'><Encoding>av1</Encoding></VideoEncoderConfiguration></Profiles>", "[{s  true {v AV1 0 0 0}}]"},
	} {
		profiles, err := DecodeProfiles(strings.NewReader(body("<GetProfilesResponse>" + c.inside + "</GetProfilesResponse>")))
		if got := fmt.Sprint(profiles); err != nil || got != c.want {
			t.Errorf("%s: got %s %v, want %s", name, got, err, c.want)
		}
	}
}

func TestARecorderTellsItsFirstProfiles(t *testing.T) {
	one := "<Profiles token='p%d'><Name>" + strings.Repeat("n", 5000) + "</Name></Profiles>"
	for _, n := range []int{MaxProfiles, MaxProfiles + 1, 100} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, one, i)
		}
		profiles, err := DecodeProfiles(strings.NewReader(body("<GetProfilesResponse>" + b.String() + "</GetProfilesResponse>")))
		if err != nil || len(profiles) != MaxProfiles || len(profiles[0].Name) != MaxText {
			t.Errorf("%d profiles: read %d, %v", n, len(profiles), err)
		}
	}
}

func TestAddressesAreWholeOrNotTold(t *testing.T) {
	for text, want := range map[string]string{
		" rtsp://10.0.0.5/a?b=1&amp;c=2 ":            "rtsp://10.0.0.5/a?b=1&c=2",
		"rtsp://10.0.0.5/a?b=1&c=2":                  "rtsp://10.0.0.5/a?b=1&c=2", // not escaped: many do so
		"<![CDATA[rtsp://10.0.0.5/a?b=1&c=2]]>":      "rtsp://10.0.0.5/a?b=1&c=2",
		"rtsp://10.0.0.5/<!-- in the middle -->live": "rtsp://10.0.0.5/live",
		"rtsp://a b/": "",
		"":            "",
		"rtsp://10.0.0.5/" + strings.Repeat("x", maxAddress): "",
	} {
		uri, err := DecodeStreamURI(strings.NewReader(body("<GetStreamUriResponse><MediaUri><Uri>" + text + "</Uri></MediaUri></GetStreamUriResponse>")))
		if uri != want || (err == nil) != (want != "") {
			t.Errorf("%.60q: got %q, %v", text, uri, err)
		}
	}
}

func TestTextIsPrintableAndBounded(t *testing.T) {
	for in, want := range map[string]string{
		" a\x00b\tc\u202e ": "abc", "\xff\xfe": "", strings.Repeat("é", 200): strings.Repeat("é", 128),
		"x" + strings.Repeat("é", 200): "x" + strings.Repeat("é", 127), strings.Repeat("a", 256): strings.Repeat("a", 256),
	} {
		if got := Clean(in); got != want {
			t.Errorf("%.20q: got %.20q (%d bytes)", in, got, len(got))
		}
	}
}
