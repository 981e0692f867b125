package onvif

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"wildfire-watch/protocol"
)

// faults are also fuzz seeds.
var faults = []struct {
	name, inside string
	want         Fault
}{
	{"SOAP 1.2", "<Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>Sender not authorized</Text></Reason>",
		Fault{Refused, "NotAuthorized", false, -1}},
	{"SOAP 1.1", "<faultcode>SOAP-ENV:Client</faultcode><faultstring>Unauthorized</faultstring>", Fault{Refused, "", false, -1}},
	{"a subcode in a subcode", "<Code><Value>s:Sender</Value><Subcode><Value>ter:InvalidArgVal</Value><Subcode><Value>ter:NoProfile</Value></Subcode></Subcode></Code>",
		Fault{Other, "NoProfile", false, -1}},
	{"tries left", "<Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>Invalid username or password! You still have 3\n attempt(s).</Text></Reason>",
		Fault{Refused, "NotAuthorized", false, 3}},
	{"locked", "<Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>Account locked</Text></Reason>", Fault{Locked, "NotAuthorized", false, -1}},
	{"locked, said in detail", "<Code><Value>s:Sender</Value></Code><Detail><Text>too many failed logins</Text></Detail>", Fault{Locked, "Sender", false, -1}},
	{"a clock is no lock", "<Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>Authorization request in future, check your clock</Text></Reason>",
		Fault{Refused, "NotAuthorized", true, -1}},
	{"expired", "<Code><Value>s:Sender</Value><Subcode><Value>wsu:MessageExpired</Value></Subcode></Code>", Fault{Refused, "MessageExpired", true, -1}},
	{"prohibited", "<Code><Value>s:Sender</Value><Subcode><Value>ter:OperationProhibited</Value></Subcode></Code>", Fault{Prohibited, "OperationProhibited", false, -1}},
	{"not supported", "<Code><Value>s:Receiver</Value><Subcode><Value>ter:ActionNotSupported</Value></Subcode></Code>", Fault{NotSupported, "ActionNotSupported", false, -1}},
	{"an authority of its own", "<Code><Value>s:Sender</Value></Code><Reason><Text>Authority failure</Text></Reason>", Fault{Refused, "Sender", false, -1}},
	{"words of its own", "<Code><Value>hunter2</Value></Code><Reason><Text>hunter2</Text></Reason>", Fault{Other, "", false, -1}},
	{"empty", "", Fault{Other, "", false, -1}},
}

func TestFaultsAreClassified(t *testing.T) {
	for _, c := range faults {
		text := body("<e:Fault>" + c.inside + "</e:Fault>")
		for name, decode := range decoders {
			_, err := decode(strings.NewReader(text))
			got, ok := errors.AsType[Fault](err)
			if !ok || got != c.want {
				t.Errorf("%s as %s: got %#v, %v", c.name, name, got, err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the device's words are in %q", c.name, err)
			}
		}
	}
	if text := (Fault{Refused, "NotAuthorized", true, 2}).Error(); text != "not authorized: the login's time is wrong by its clock, 2 tries left" {
		t.Error(text)
	}
}

// hostile are answers that no camera should give; also fuzz seeds.
var hostile = []struct {
	name, text string
	want       error
}{
	{"nothing", "", NotXML},
	{"random bytes", "\x00\xff\x13\x37<<<>>>\xfe", NotXML},
	{"a web page", "<!DOCTYPE HTML><html><body>501</body></html>", Doctype},
	{"a web page without doctype", "<html><body><p>501</body></html>", NotSOAP},
	{"JSON", `{"error":401}`, NotXML},
	{"an entity bomb", `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + body("<x>&b;</x>"), Doctype},
	{"a doctype inside", body("<!DOCTYPE x>"), Doctype},
	{"an entity of a file", body("<GetHostnameResponse><Name>&file;</Name></GetHostnameResponse>"), nil},
	{"nested deep", strings.Repeat("<Envelope>", maxDepth+1), TooDeep},
	{"nested in the body", body(strings.Repeat("<a>", 100)), TooDeep},
	{"many elements", "<Envelope><Body>" + strings.Repeat("<a/>", maxElements), TooLarge},
	{"many attributes", `<Envelope ` + strings.Repeat(`a="" `, 2*maxToken) + `>`, TooLarge},
	{"a long attribute", `<Envelope a="` + strings.Repeat("a", 2*maxToken) + `">`, TooLarge},
	{"a long name", `<` + strings.Repeat("a", 2*maxToken), TooLarge},
	{"a long text", "<Envelope>" + strings.Repeat("a", 2*maxToken), TooLarge},
	{"a long comment", "<!--" + strings.Repeat("-a", 2*maxToken), TooLarge},
	{"large", "<Envelope>" + strings.Repeat("<Header>x</Header>", MaxAnswer/16), TooLarge},
	{"cut off", body("<GetHostnameResponse>")[:60], NotXML},
	{"crossed tags", "<Envelope><Body></Envelope></Body>", NotXML},
	{"an answer to something else", body("<GetUsersResponse/>"), NotTold},
	{"an empty body", body(""), NotTold},
	{"no body", "<Envelope/>", NotTold},
	{"a body outside", "<Body><GetHostnameResponse/></Body>", NotSOAP},
	{"an answer in the header", "<Envelope><Header><GetHostnameResponse/></Header></Envelope>", NotTold},
	{"another encoding", "<?xml version=\"1.0\" encoding=\"GB2312\"?>" + body("<GetHostnameResponse><Name>\xc9\xe3\xcf\xf1</Name></GetHostnameResponse>"), nil},
	{"no encoding at all", body("<GetHostnameResponse><Name>\xc9\xe3\x00\x1b\xcf</Name></GetHostnameResponse>"), nil},
	{"a mark before it", "\ufeff" + body("<GetHostnameResponse/>"), nil},
	{"much after it", body("<GetHostnameResponse/>") + strings.Repeat("x", MaxAnswer), nil},
}

func TestHostileAnswersAreRefused(t *testing.T) {
	for _, c := range hostile {
		if _, err := DecodeHostname(strings.NewReader(c.text)); err != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	broken := errors.New("connection reset")
	if _, err := DecodeHostname(iotest.ErrReader(broken)); err != broken {
		t.Errorf("got %v, want the reader's error", err)
	}
	name, err := DecodeHostname(strings.NewReader(body("<GetHostnameResponse><Name>cam\xc9&file;</Name></GetHostnameResponse>")))
	if name != "cam?&file;" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
}

// endless repeats a text for ever.
type endless struct {
	text string
	at   int
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	e.read += len(p)
	return len(p), nil
}

func TestAnEndlessAnswerCostsBoundedMemory(t *testing.T) {
	for _, text := range []string{"<a>", "<a/>", "<a b='' c='' d='' e=''/>", "a", "<!-- -->", "<?a b?>", "&amp;", "\xff", "<"} {
		e := &endless{text: text}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeProfiles(io.MultiReader(strings.NewReader("<Envelope><Body><GetProfilesResponse>"), e))
		runtime.ReadMemStats(&after)
		if err == nil || e.read > 2*MaxAnswer {
			t.Errorf("%q: read %d bytes, %v", text, e.read, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%q: %d bytes allocated", text, used)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*.xml"))
	if len(files) < 20 {
		f.Fatal("recorded answers are missing")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, c := range faults {
		f.Add([]byte(body("<Fault>" + c.inside + "</Fault>")))
	}
	for _, c := range hostile {
		f.Add([]byte(c.text[:min(len(c.text), 2000)]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, decode := range decoders {
			got, err := decode(bytes.NewReader(text))
			if err != nil {
				_, fault := errors.AsType[Fault](err)
				_, reject := errors.AsType[protocol.Reject](err)
				if !fault && !reject || len(err.Error()) > 200 {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			check(t, name, got)
		}
	})
}

// check holds what is read to its bounds.
func check(t *testing.T, name string, got any) {
	t.Helper()
	switch got := got.(type) {
	case []Profile:
		for _, p := range got {
			if p.Token == "" || p.Token != Clean(p.Token) || p.Name != Clean(p.Name) || p.Width < 0 || p.Height < 0 || !(p.FPS >= 0 && p.FPS <= maxFPS) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if len(got) > MaxProfiles {
			t.Errorf("%s: %d profiles", name, len(got))
		}
	case string:
		if name == "uri" && got != address(got) || name != "uri" && got != Clean(got) {
			t.Errorf("%s: %q", name, got)
		}
	case Info:
		if s := fmt.Sprint(got); len(s) > 5*MaxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s: %q", name, s)
		}
	case []string:
		for _, mac := range got {
			if parseMAC(mac) != mac {
				t.Errorf("%s: %q", name, mac)
			}
		}
	}
}
