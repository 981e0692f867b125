package wsdiscovery

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Decode reads one datagram. Its error is a protocol.Reject. What follows the envelope is not looked
// at: some firmware sends the zero byte at the end of its string.
func Decode(datagram []byte) (Message, error) {
	if len(datagram) > MaxMessage {
		return Message{}, TooLarge
	}
	// A name in a Chinese or Latin-1 encoding costs the name, not the camera.
	r := &reader{d: xml.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(datagram, []byte("?"))))}
	r.d.Entity = map[string]string{}
	r.d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		token, err := r.d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Message{}, NotXML
		}
		if err := r.take(token); err != nil {
			return Message{}, err
		}
		if _, ended := token.(xml.EndElement); ended && len(r.path) == 0 {
			break
		}
	}
	if r.message.Kind == 0 {
		return Message{}, NotKnown
	}
	return r.message, nil
}

// reader walks through one message.
type reader struct {
	d        *xml.Decoder
	message  Message
	path     []string // local names of the open elements, root first
	prefixes []prefix // declared by open elements, inner ones last
	text     strings.Builder
	device   Device
	types    []qualified
	scopes   []string
}

// prefix is the declaration of a namespace, which ends with the element at its depth.
type prefix struct {
	name, space string
	depth       int
}

// qualified is one name of a device's types.
type qualified struct{ space, local string }

func (r *reader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.Directive:
		return DTD
	case xml.StartElement:
		return r.open(t)
	case xml.CharData:
		r.text.Write(t)
	case xml.EndElement:
		r.closeElement()
	}
	return nil
}

func (r *reader) open(e xml.StartElement) error {
	if len(r.path) == maxDepth {
		return NotXML
	}
	r.path = append(r.path, e.Name.Local)
	r.text.Reset()
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" && len(r.prefixes) < maxPrefixes {
			r.prefixes = append(r.prefixes, prefix{a.Name.Local, a.Value, len(r.path)})
		}
	}
	switch {
	case r.at("Envelope", "Body", "*"):
		if r.message.Kind != 0 {
			return NotKnown // a second message in one envelope
		}
		r.message.Kind = kinds[e.Name.Local]
		r.begin()
	case r.at("Envelope", "Body", "ProbeMatches", "ProbeMatch"):
		r.begin()
	}
	return nil
}

var kinds = map[string]Kind{"Probe": Probe, "Hello": Hello, "Bye": Bye, "ProbeMatches": ProbeMatches}

// at says whether the open elements are these.
func (r *reader) at(names ...string) bool {
	if len(names) != len(r.path) {
		return false
	}
	for i, n := range names {
		if n != "*" && n != r.path[i] {
			return false
		}
	}
	return true
}

// begin begins a device.
func (r *reader) begin() { r.device, r.types, r.scopes = Device{}, nil, nil }

// end ends a device, and keeps it if there is room.
func (r *reader) end() {
	r.device.classify(r.types, r.scopes)
	if len(r.message.Devices) < MaxMatches {
		r.message.Devices = append(r.message.Devices, r.device)
	}
}

func (r *reader) closeElement() {
	inside := r.inDevice()
	switch {
	case r.at("Envelope", "Header", "MessageID"):
		r.message.ID = bare(r.text.String())
	case r.at("Envelope", "Header", "RelatesTo"):
		r.message.RelatesTo = bare(r.text.String())
	case inside == 1:
		r.field(r.path[len(r.path)-1])
	case inside == 2 && r.path[len(r.path)-2] == "EndpointReference" && r.path[len(r.path)-1] == "Address":
		r.device.EPR = endpoint(r.text.String())
	case r.at("Envelope", "Body", "Hello"), r.at("Envelope", "Body", "Bye"),
		r.at("Envelope", "Body", "ProbeMatches", "ProbeMatch"):
		r.end()
	}
	for len(r.prefixes) > 0 && r.prefixes[len(r.prefixes)-1].depth == len(r.path) {
		r.prefixes = r.prefixes[:len(r.prefixes)-1]
	}
	r.path = r.path[:len(r.path)-1]
	r.text.Reset()
}

// inDevice is how many elements deep inside a device the open element is; 0 if it is in none.
func (r *reader) inDevice() int {
	outer := 3
	if r.message.Kind == ProbeMatches {
		outer = 4
	}
	if len(r.path) <= outer || r.path[0] != "Envelope" || r.path[1] != "Body" || kinds[r.path[2]] == 0 ||
		outer == 4 && r.path[3] != "ProbeMatch" {
		return 0
	}
	return len(r.path) - outer
}

// field reads one field of a device.
func (r *reader) field(name string) {
	switch name {
	case "Types":
		for word := range strings.FieldsSeq(r.text.String()) {
			if len(r.types) < maxTypes {
				r.types = append(r.types, r.resolve(word))
			}
		}
	case "Scopes":
		r.scopes = splitScopes(r.text.String())
	case "XAddrs":
		r.device.XAddrs = addresses(r.text.String())
	}
}

// resolve looks up the namespace of a qualified name. Broken devices forget to declare a prefix: it
// stands for itself then.
func (r *reader) resolve(word string) qualified {
	name, local, ok := strings.Cut(word, ":")
	if !ok {
		return qualified{"", name}
	}
	for i := len(r.prefixes) - 1; i >= 0; i-- {
		if r.prefixes[i].name == name {
			return qualified{r.prefixes[i].space, local}
		}
	}
	return qualified{name, local}
}
