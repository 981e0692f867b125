package onvif

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// Bounds on an answer.
const (
	MaxAnswer   = 256 << 10 // bytes read of one
	MaxText     = 256       // bytes of one text handed on
	MaxProfiles = 32
	maxDepth    = 32
	maxElements = 8192
	maxRaw      = 1024
	maxToken    = 8 << 10 // bytes of one tag, text or comment: it bounds a tag's attributes
)

// Why an answer is not read.
const (
	TooLarge protocol.Reject = "size"  // of the whole, of one tag, of the number of elements
	TooDeep  protocol.Reject = "depth" // nested deeper than any answer is
	Doctype  protocol.Reject = "doctype"
	NotXML   protocol.Reject = "xml"
	NotSOAP  protocol.Reject = "soap"   // XML without an envelope
	NotTold  protocol.Reject = "answer" // an envelope without what was asked for
)

// path is where an element stands, from the envelope's body down: local names.
type path []string

// is says whether the innermost elements are those named.
func (p path) is(names ...string) bool {
	if len(p) < len(names) {
		return false
	}
	for i, name := range names {
		if p[len(p)-len(names)+i] != name {
			return false
		}
	}
	return true
}

// visitor is told of every element inside the body: of its beginning with its attribute "token" (empty
// if it has none), then of its end with the text directly inside it, at most maxRaw bytes, not cleaned.
// It ends the reading by saying done.
type visitor struct {
	begin func(p path, token string)
	end   func(p path, text string) (done bool)
}

// read reads one answer up to the end of its envelope, or until v is done. A fault is an error, Fault.
func read(r io.Reader, v visitor) error {
	in := &input{from: bufio.NewReaderSize(r, 4096), left: MaxAnswer}
	d := xml.NewDecoder(in)
	d.Strict = false // addresses hold & that nobody escaped
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		in.foreign = true
		return in, nil
	}
	w := walk{visitor: v}
	for {
		in.token = maxToken
		t, err := d.RawToken()
		if err != nil {
			return stopped(in)
		}
		if done, err := w.take(t); done || err != nil {
			return err
		}
	}
}

// walk follows the tokens of one answer.
type walk struct {
	visitor
	names    []string       // of the elements open, the envelope first
	texts    []bytes.Buffer // beside them
	elements int
	fault    *faultReader
}

func (w *walk) take(t xml.Token) (done bool, err error) {
	switch t := t.(type) {
	case xml.Directive:
		return false, Doctype
	case xml.StartElement:
		return false, w.open(t)
	case xml.EndElement:
		return w.shut(t.Name.Local)
	case xml.CharData:
		if n := len(w.texts); n > 0 {
			text := &w.texts[n-1]
			text.Write(t[:min(len(t), maxRaw-text.Len())])
		}
	}
	return false, nil
}

func (w *walk) open(t xml.StartElement) error {
	name := t.Name.Local
	switch {
	case len(w.names) == maxDepth:
		return TooDeep
	case w.elements == maxElements:
		return TooLarge
	case len(w.names) == 0 && name != "Envelope":
		return NotSOAP
	}
	w.elements++
	w.names = append(w.names, name)
	w.texts = append(w.texts, bytes.Buffer{})
	p := w.inside()
	if p.is("Fault") && len(p) == 1 {
		w.fault = &faultReader{}
	}
	if len(p) == 0 || w.fault != nil {
		return nil
	}
	token := ""
	for _, a := range t.Attr {
		if a.Name.Local == "token" && len(a.Value) <= MaxText && Clean(a.Value) == a.Value {
			token = a.Value
		}
	}
	if w.begin != nil {
		w.begin(p, token)
	}
	return nil
}

func (w *walk) shut(name string) (done bool, err error) {
	last := len(w.names) - 1
	if last < 0 || w.names[last] != name {
		return false, NotXML
	}
	if p := w.inside(); len(p) > 0 {
		text := w.texts[last].String()
		switch {
		case w.fault == nil:
			done = w.end(p, text)
		case len(p) == 1: // the fault itself
			return true, w.fault.fault()
		default:
			w.fault.take(p, text)
		}
	}
	w.names, w.texts = w.names[:last], w.texts[:last]
	if last == 0 {
		return true, nil
	}
	return done, nil
}

// inside is the path below the body; empty outside of it.
func (w *walk) inside() path {
	if len(w.names) < 3 || w.names[1] != "Body" {
		return nil
	}
	return w.names[2:]
}

// stopped says why the reading ended before the envelope did.
func stopped(in *input) error {
	switch {
	case in.spent:
		return TooLarge
	case in.err != nil:
		return in.err
	}
	return NotXML // whatever else the decoder says: another version of XML, half a tag, the end
}

// input hands an answer to the decoder byte by byte, so that nothing is read ahead of the bounds. What
// XML would not allow, control characters and broken UTF-8, becomes a question mark: names are often
// written in an encoding that nobody declared, and must not cost the rest.
type input struct {
	from    *bufio.Reader
	left    int // bytes of the answer
	token   int // bytes of the token being read
	foreign bool
	pending []byte
	spent   bool
	err     error
}

// ReadByte is the next byte of the answer.
func (in *input) ReadByte() (byte, error) {
	if len(in.pending) > 0 {
		c := in.pending[0]
		in.pending = in.pending[1:]
		return c, nil
	}
	if in.left <= 0 || in.token <= 0 {
		in.spent = true
		return 0, TooLarge
	}
	in.left--
	in.token--
	c, err := in.from.ReadByte()
	switch {
	case err != nil:
		if err != io.EOF {
			in.err = err
		}
		return 0, err
	case c < ' ' && c != '\t' && c != '\n' && c != '\r', c >= utf8.RuneSelf && in.foreign:
		return '?', nil
	case c < utf8.RuneSelf:
		return c, nil
	}
	_ = in.from.UnreadByte()
	r, size, err := in.from.ReadRune()
	if err != nil || r == utf8.RuneError || r >= 0xFFFE && r <= 0xFFFF {
		return '?', nil
	}
	in.left -= size - 1
	in.token -= size - 1
	in.pending = utf8.AppendRune(in.pending[:0], r)
	return in.ReadByte()
}

// Read is there for io.Reader; the decoder takes ReadByte.
func (in *input) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if p[n], err = in.ReadByte(); err == nil {
			n++
		}
	}
	return n, err
}

// Clean is s without what cannot be printed and without white space around it, at most MaxText bytes.
func Clean(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s))
	if len(s) > MaxText {
		cut := MaxText
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = strings.TrimSpace(s[:cut])
	}
	return s
}
