package onvif

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write the golden envelopes anew")

// golden are requests by the file that holds their envelope.
var golden = map[string]struct {
	request Request
	token   *Token
}{
	"clock":        {DateAndTime, nil},
	"info-token":   {DeviceInfo, &Token{protocol.Login{User: `o'<&>"`, Password: "geheim-ä"}, [NonceSize]byte{1, 2, 3, 255}, time.Date(2026, 3, 29, 3, 0, 0, 5e8, time.FixedZone("", 7200))}},
	"services":     {Services, nil},
	"capabilities": {Capabilities, nil},
	"interfaces":   {Interfaces, nil},
	"hostname":     {Hostname, nil},
	"scopes":       {Scopes, nil},
	"profiles":     {Profiles, nil},
	"encoders":     {Encoders, nil},
	"profiles2":    {Media2Profiles, nil},
	"uri":          {StreamURI("Profile_1"), nil},
	"uri2":         {Media2StreamURI(`a<b>&"c"`), nil},
}

func TestEnvelopesAreTheGoldenOnes(t *testing.T) {
	for name, g := range golden {
		file := filepath.Join("testdata", "envelopes", name+".xml")
		got := g.request.Envelope(g.token)
		if *rewrite {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
		if err := xml.Unmarshal(got, new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(g.request.Action(), "http://www.onvif.org/ver") || !strings.HasSuffix(g.request.Action(), "/"+g.request.Name) {
			t.Errorf("%s: action %q", name, g.request.Action())
		}
	}
}

func TestThePasswordIsSentAsItsDigestAlone(t *testing.T) {
	token := &Token{Login: protocol.Login{User: "user", Password: "userpassword"}, Created: time.Date(2010, 9, 16, 7, 50, 45, 0, time.UTC)}
	text := string(DeviceInfo.Envelope(token))
	if strings.Contains(text, "userpassword") || strings.Contains(text, "PasswordText") {
		t.Error("the password is sent in clear")
	}
	if token.digest("2010-09-16T07:50:45Z") == token.digest("2010-09-16T07:50:46Z") {
		t.Error("a digest is good for two times")
	}
	other := *token
	other.Nonce[15]++
	if token.digest("x") == other.digest("x") {
		t.Error("a digest is good for two nonces")
	}
}

// The example of the ONVIF Application Programmer's Guide: nonce LKqI6G/AikKCQrN0zqZFlg==, created
// 2010-09-16T07:50:45Z, password userpassword, digest tuOSpGlFlIXsozq4HFNeeGeFLEI=.
func TestTheDigestIsThatOfTheProgrammersGuide(t *testing.T) {
	token := &Token{Login: protocol.Login{Password: "userpassword"},
		Nonce: [NonceSize]byte{0x2c, 0xaa, 0x88, 0xe8, 0x6f, 0xc0, 0x8a, 0x42, 0x82, 0x42, 0xb3, 0x74, 0xce, 0xa6, 0x45, 0x96}}
	if got := token.digest("2010-09-16T07:50:45Z"); got != "tuOSpGlFlIXsozq4HFNeeGeFLEI=" {
		t.Error(got)
	}
}
