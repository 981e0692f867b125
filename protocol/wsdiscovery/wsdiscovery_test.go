package wsdiscovery

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"wildfire-watch/protocol/announced"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Recorded from other people's programs: gSOAP, which is inside many cameras, and a camera of node.
func TestWhatPeersAnswered(t *testing.T) {
	const probe = "a21c959d-8e6a-4b27-bcdf-cf074c8947fd"
	for name, want := range map[string]Device{
		"gsoap-camera.xml": {EPR: "urn:uuid:4c616200-0000-1000-8000-4419b60a0001", Camera: true, ONVIF: true, Name: "Labvision",
			Hardware: "LV-2CD1", XAddrs: []string{"http://10.77.1.11:80/onvif/device_service"}},
		"node-camera.xml": {EPR: "urn:uuid:c9790c3a-701b-464d-a189-0060351c8ada", Camera: true, ONVIF: true, Name: "PREDATOR",
			Hardware: "HD_PREDATOR", XAddrs: []string{"http://10.77.1.14:8080/onvif/device_service"}},
		"gsoap-printer.xml": {EPR: "urn:uuid:4c616200-0000-1000-8000-1c61b40b0003", Other: true,
			XAddrs: []string{"http://10.77.1.33:5357/devices/print"}},
	} {
		m, err := Decode(sample(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Kind != ProbeMatches || !m.Answers(probe) || m.Answers("another") || len(m.ID) != uuidLength {
			t.Errorf("%s: %+v does not answer %s", name, m, probe)
		}
		if !reflect.DeepEqual(m.Devices, []Device{want}) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, m.Devices, want)
		}
	}
}

// envelope is a message with this body; every sender has its own prefixes.
func envelope(header, body string) string {
	return `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:x="` + addressing + `" xmlns:y="` + discovery +
		`" xmlns:dev="` + deviceSpace + `" xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof"><e:Header>` + header +
		`</e:Header><e:Body>` + body + `</e:Body></e:Envelope>`
}

// hello is a Hello with these fields.
func hello(fields string) string { return envelope("", "<y:Hello>"+fields+"</y:Hello>") }

func TestWhatDevicesAre(t *testing.T) {
	const onvif = "onvif://www.onvif.org/"
	for name, c := range map[string]struct {
		fields               string
		camera, onvif, other bool
	}{
		"by type":                  {`<y:Types>q:NetworkVideoTransmitter</y:Types>`, true, true, false},
		"in another case":          {`<y:Types>q:networkvideotransmitter</y:Types>`, true, true, false},
		"without prefix":           {`<y:Types>NetworkVideoTransmitter</y:Types>`, true, true, false},
		"an ONVIF device alone":    {`<y:Types>dev:Device</y:Types>`, false, true, false},
		"an undeclared tds":        {`<y:Types>tds:Device</y:Types>`, false, true, false},
		"declared at the types":    {`<y:Types xmlns:k="` + deviceSpace + `">k:Device</y:Types>`, false, true, false},
		"declared elsewhere":       {`<y:Any xmlns:k="` + deviceSpace + `"/><y:Types>k:Device</y:Types>`, false, false, false},
		"overridden":               {`<y:Types xmlns:dev="urn:other">dev:Device</y:Types>`, false, false, false},
		"a device of Windows":      {`<y:Types>wsdp:Device</y:Types>`, false, false, false},
		"a computer":               {`<y:Types>wsdp:Device pub:Computer</y:Types>`, false, false, true},
		"a printer":                {`<y:Types>wsdp:Device wprt:PrintDeviceType</y:Types>`, false, false, true},
		"a scanner":                {`<y:Types>wsdp:Device wscn:ScanDeviceType</y:Types>`, false, false, true},
		"a display":                {`<y:Types>dn:NetworkVideoDisplay</y:Types>`, false, false, true},
		"a computer with a camera": {`<y:Types>pub:Computer dn:NetworkVideoTransmitter</y:Types>`, true, true, false},
		"by scope of its type":     {`<y:Scopes>` + onvif + `type/Network_Video_Transmitter</y:Scopes>`, true, true, false},
		"by scope of its encoder":  {`<y:Scopes>` + onvif + `type/video_encoder</y:Scopes>`, true, true, false},
		"by profile S":             {`<y:Types>tds:Device</y:Types><y:Scopes>` + onvif + `Profile/Streaming</y:Scopes>`, true, true, false},
		"by profile T":             {`<y:Scopes>ONVIF://WWW.ONVIF.ORG/profile/t</y:Scopes>`, true, true, false},
		"a door":                   {`<y:Types>tds:Device</y:Types><y:Scopes>` + onvif + `Profile/C</y:Scopes>`, false, true, false},
		"a foreign scope":          {`<y:Scopes>http://example.org/Profile/Streaming</y:Scopes>`, false, false, false},
		"nothing":                  {``, false, false, false},
	} {
		m, err := Decode([]byte(hello(c.fields)))
		if err != nil || len(m.Devices) != 1 {
			t.Errorf("%s: %+v, %v", name, m, err)
			continue
		}
		if d := m.Devices[0]; d.Camera != c.camera || d.ONVIF != c.onvif || d.Other != c.other {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestWordsOfScopes(t *testing.T) {
	scope := func(s string) string { return "onvif://www.onvif.org/" + s + " " }
	for in, want := range map[string]Device{
		scope("name/Front%20Door%0A%1b[1m"):            {Name: "Front Door [1m"},
		scope("name/Front Door") + scope("hardware/X"): {Name: "Front Door", Hardware: "X"},
		scope("name/") + scope("name/gate"):            {Name: "gate"},
		scope("name/first") + scope("name/second"):     {Name: "first"},
		scope("name/50%"):                              {Name: "50%"},
		scope("Name/a/b"):                              {Name: "a/b"},
		scope("location/Hong Kong"):                    {Location: "Hong Kong"},
		scope("location/country/china"):                {Location: "country/china"},
		scope("MAC/EC71DB0A0003"):                      {MAC: "ec:71:db:0a:00:03"},
		scope("macaddress/ec-71-db-0a-00-03"):          {MAC: "ec:71:db:0a:00:03"},
		scope("MAC/nothing"):                           {},
		scope("name/" + strings.Repeat("n", 500)):      {Name: strings.Repeat("n", announced.MaxText)},
		"word " + scope("name/x"):                      {Name: "x"},
	} {
		m, err := Decode([]byte(hello("<y:Scopes>" + in + "</y:Scopes>")))
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		want.ONVIF = true
		if !reflect.DeepEqual(m.Devices[0], want) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", in, m.Devices[0], want)
		}
	}
}

func TestAddressesAreKeptAsAnnounced(t *testing.T) {
	var many, read []string
	for i := range MaxXAddrs + 5 {
		many = append(many, fmt.Sprintf("http://10.0.0.%d/onvif/device_service", i))
	}
	read = many[:MaxXAddrs]
	for in, want := range map[string][]string{
		"": nil,
		"http://169.254.125.197/onvif/services\n\thttps://10.0.0.5:443/onvif/services": {
			"http://169.254.125.197/onvif/services", "https://10.0.0.5:443/onvif/services"},
		"http://0.0.0.0:8899/onvif/device_service":           {"http://0.0.0.0:8899/onvif/device_service"},
		"http://[fe80::1]/onvif http://[2001:db8::5]:80/x":   {"http://[fe80::1]/onvif", "http://[2001:db8::5]:80/x"},
		"http://a/x http://a/x":                              {"http://a/x"},
		"localhost:8080/abc 192.168.1.109/device_service":    {"http://localhost:8080/abc", "http://192.168.1.109/device_service"},
		"http://admin:secret@10.0.0.5/onvif":                 {"http://10.0.0.5/onvif"},
		"ftp://10.0.0.5/ soap.udp://10.0.0.5:3702 http:///x": nil,
		"http://10.0.0.5/" + strings.Repeat("x", MaxXAddr):   nil,
		"http://10.0.0.5:x/ http://10.0.0.6/":                {"http://10.0.0.6/"},
		"http://10.0.0.5/?a=1&amp;b=2#f":                     {"http://10.0.0.5/?a=1&b=2"},
		strings.Join(many, " "):                              read,
	} {
		m, err := Decode([]byte(hello("<y:XAddrs>" + in + "</y:XAddrs>")))
		if err != nil || !slices.Equal(m.Devices[0].XAddrs, want) {
			t.Errorf("%q: %+v, %v; want %q", in, m.Devices, err, want)
		}
	}
}

func TestEndpointsHaveOneForm(t *testing.T) {
	const id = "4c616200-0000-1000-8000-4419b60a0001"
	for in, want := range map[string]string{
		"urn:uuid:" + id: "urn:uuid:" + id,
		" URN:UUID:" + strings.ToUpper(id) + "\n": "urn:uuid:" + id,
		"uuid:" + id:             "urn:uuid:" + id,
		id:                       "urn:uuid:" + id,
		"http://10.0.0.5/Device": "http://10.0.0.5/device",
		"urn:dev:Mac:00":         "urn:dev:mac:00",
		"urn:uuid:" + strings.Repeat("a", MaxEPR): "",
		"urn:uuid:with space":                     "",
		"urn:uuid:\u202e":                         "",
		"":                                        "",
	} {
		m, err := Decode([]byte(hello("<x:EndpointReference><x:Address>" + in + "</x:Address></x:EndpointReference>")))
		if err != nil || m.Devices[0].EPR != want {
			t.Errorf("%q: %+v, %v; want %q", in, m.Devices, err, want)
		}
	}
}

func TestAnAddressElsewhereIsNoEndpoint(t *testing.T) {
	m, err := Decode([]byte(envelope(`<x:ReplyTo><x:Address>urn:uuid:a</x:Address></x:ReplyTo><x:Types>dn:NetworkVideoTransmitter</x:Types>`,
		`<y:Bye><y:Deep><x:EndpointReference><x:Address>urn:uuid:b</x:Address></x:EndpointReference></y:Deep></y:Bye>`)))
	if err != nil || m.Kind != Bye || !reflect.DeepEqual(m.Devices, []Device{{}}) {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestAnswersOfSloppyDevices(t *testing.T) {
	const id = "33b853b6-86d5-440f-9628-ae401a178d90"
	match := "<y:ProbeMatches><y:ProbeMatch/></y:ProbeMatches>"
	for name, c := range map[string]struct {
		header string
		want   bool
	}{
		"as prescribed":    {"<x:RelatesTo>uuid:" + id + "</x:RelatesTo>", true},
		"with urn":         {"<x:RelatesTo> urn:uuid:" + id + " </x:RelatesTo>", true},
		"upper case":       {"<x:RelatesTo>" + strings.ToUpper(id) + "</x:RelatesTo>", true},
		"our ID as theirs": {"<x:MessageID>uuid:" + id + "</x:MessageID>", true},
		"to nothing":       {"", true},
		"to another":       {"<x:RelatesTo>uuid:0957592b-ab5e-45f6-9d70-0a729281e51b</x:RelatesTo>", false},
	} {
		m, err := Decode([]byte(envelope(c.header, match)))
		if err != nil || m.Answers(id) != c.want || m.Answers("urn:uuid:"+strings.ToUpper(id)) != c.want {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if m, err := Decode([]byte(hello(""))); err != nil || m.Answers(id) {
		t.Errorf("a Hello answers nothing: %+v, %v", m, err)
	}
}

func TestProbesAreReadBack(t *testing.T) {
	const id = "33b853b6-86d5-440f-9628-ae401a178d90"
	for _, form := range []Form{Windows, Plain} {
		for _, sought := range []Sought{VideoTransmitter, ONVIFDevice} {
			probe := EncodeProbe(id, sought, form)
			m, err := Decode(probe)
			if err != nil || m.Kind != Probe || m.ID != id || len(m.Devices) != 0 || len(probe) > 1400 {
				t.Errorf("%d %d: %+v, %v, %d bytes", form, sought, m, err, len(probe))
			}
		}
	}
}

func TestEditionsAreReadAlike(t *testing.T) {
	text := string(sample(t, "gsoap-camera.xml"))
	old, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(text, discovery, "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01")
	text = strings.ReplaceAll(text, addressing, "http://www.w3.org/2005/08/addressing")
	if m, err := Decode([]byte(text)); err != nil || !reflect.DeepEqual(m, old) {
		t.Errorf("OASIS 1.1: %+v, %v", m, err)
	}
}

func TestSloppyTextCostsNoCamera(t *testing.T) {
	text := hello(`<y:Types>dn:NetworkVideoTransmitter</y:Types><y:Scopes>onvif://www.onvif.org/name/S` + "\xfc" + `d</y:Scopes>`)
	for name, in := range map[string]string{
		"a zero byte behind":      text + "\x00",
		"garbage behind":          text + "\r\n<",
		"a declaration in Latin":  `<?xml version="1.0" encoding="ISO-8859-1"?>` + text,
		"a declaration in GB2312": `<?xml version="1.0" encoding="GB2312" standalone="no" ?>` + text,
		"a byte order mark":       "\ufeff" + text,
		"a comment":               "<!-- camera -->" + text,
		"CDATA":                   strings.Replace(text, "dn:NetworkVideoTransmitter", "<![CDATA[dn:NetworkVideoTransmitter]]>", 1),
	} {
		m, err := Decode([]byte(in))
		if err != nil || len(m.Devices) != 1 || !m.Devices[0].Camera || m.Devices[0].Name != "S?d" {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestHostileMessagesAreRejected(t *testing.T) {
	bomb := `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>`
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"too large":          {hello(strings.Repeat(" ", MaxMessage)), TooLarge},
		"a bomb":             {bomb + hello("<y:Types>&b;</y:Types>"), DTD},
		"an external DTD":    {`<!DOCTYPE e SYSTEM "http://10.0.0.5/dtd">` + hello(""), DTD},
		"an entity":          {hello("<y:Types>&nbsp;</y:Types>"), NotXML},
		"depth":              {hello(strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20)), NotXML},
		"unclosed":           {strings.TrimSuffix(hello(""), "</e:Envelope>"), NotXML},
		"crossed":            {"<a><b></a></b>", NotXML},
		"nothing":            {"", NotKnown},
		"no XML":             {"NOTIFY * HTTP/1.1\r\n\r\n", NotKnown},
		"a fault":            {envelope("", "<e:Fault/>"), NotKnown},
		"two in one":         {envelope("", "<y:Hello/><y:Bye/>"), NotKnown},
		"without envelope":   {"<y><b><Hello/></b></y>", NotKnown},
		"in the wrong place": {envelope("<y:Hello/>", ""), NotKnown},
	} {
		if m, err := Decode([]byte(c.in)); err != c.want {
			t.Errorf("%s: %+v, %v; want %v", name, m, err, c.want)
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	match := "<y:ProbeMatch><y:Types>" + strings.Repeat("a:b ", 100) + "dn:NetworkVideoTransmitter</y:Types><y:Scopes>" +
		strings.Repeat("onvif://www.onvif.org/x ", 100) + "onvif://www.onvif.org/name/late</y:Scopes></y:ProbeMatch>"
	m, err := Decode([]byte(envelope("", "<y:ProbeMatches>"+strings.Repeat(match, MaxMatches+1)+"</y:ProbeMatches>")))
	if err != nil || len(m.Devices) != MaxMatches || m.Devices[0].Camera || m.Devices[0].Name != "" {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"gsoap-camera.xml", "node-camera.xml", "gsoap-printer.xml"} {
		f.Add(sample(f, name))
	}
	f.Add(EncodeProbe("33b853b6-86d5-440f-9628-ae401a178d90", ONVIFDevice, Windows))
	f.Add([]byte(hello(`<y:Types>q:NetworkVideoTransmitter</y:Types><y:XAddrs>http://[fe80::1%25eth0]:1/ a:1</y:XAddrs>`)))
	f.Add([]byte(envelope("", "<y:Bye><x:EndpointReference><x:Address>uuid:1</x:Address></x:EndpointReference></y:Bye>")))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := Decode(in)
		if err != nil {
			if !reflect.DeepEqual(m, Message{}) {
				t.Errorf("rejected and yet %+v", m)
			}
			return
		}
		if len(m.Devices) > MaxMatches || len(m.ID) > MaxEPR || len(m.RelatesTo) > MaxEPR {
			t.Errorf("not bounded: %+v", m)
		}
		for _, d := range m.Devices {
			if len(d.EPR) > MaxEPR || strings.ToLower(d.EPR) != d.EPR || len(d.XAddrs) > MaxXAddrs || d.Camera && (d.Other || !d.ONVIF) {
				t.Errorf("%+v", d)
			}
			for _, w := range []string{d.Name, d.Hardware, d.Location} {
				if announced.Text(w) != w {
					t.Errorf("not clean: %q", w)
				}
			}
			for _, a := range d.XAddrs {
				if len(a) > MaxXAddr || !strings.HasPrefix(a, "http") {
					t.Errorf("%q", a)
				}
				// What was read is read again as the same.
				if again := addresses(a); !slices.Equal(again, []string{a}) {
					t.Errorf("%q reads back as %q", a, again)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	in := sample(b, "gsoap-camera.xml")
	for b.Loop() {
		if _, err := Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}
