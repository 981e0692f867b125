// Package onvif is the codec of the part of ONVIF that tells who a camera is and which streams it has:
// SOAP 1.2 requests of the device service, media and media2, their answers, and faults.
//
// It promises that reading an answer costs bounded memory whatever a device sends (MaxAnswer, maxDepth,
// maxElements, MaxText, MaxProfiles), that no DTD is read and no entity expanded, and that elements are
// known by their local names, for every server uses prefixes of its own. A password leaves it only as
// a digest (WS-UsernameToken PasswordDigest). It must never hand on text that is not printable, nor put
// a device's words into an error.
package onvif

import (
	"bytes"
	"crypto/sha1" // PasswordDigest names it
	"encoding/base64"
	"encoding/xml"
	"time"

	"wildfire-watch/protocol"
)

// Namespaces of the services.
const (
	deviceSpace = "http://www.onvif.org/ver10/device/wsdl"
	mediaSpace  = "http://www.onvif.org/ver10/media/wsdl"
	media2Space = "http://www.onvif.org/ver20/media/wsdl"
)

// Request is one operation, ready to be put into an envelope.
type Request struct {
	Name  string // of the operation
	space string
	body  string // inside of the operation's element, XML
}

// Requests without a parameter of ours. Class PRE_AUTH (ONVIF Core section 5.9.4) may be asked without a
// login: DateAndTime, Services, Capabilities, Hostname.
var (
	DateAndTime    = Request{Name: "GetSystemDateAndTime", space: deviceSpace}
	DeviceInfo     = Request{Name: "GetDeviceInformation", space: deviceSpace}
	Services       = Request{Name: "GetServices", space: deviceSpace, body: "<IncludeCapability>false</IncludeCapability>"}
	Capabilities   = Request{Name: "GetCapabilities", space: deviceSpace, body: "<Category>All</Category>"}
	Interfaces     = Request{Name: "GetNetworkInterfaces", space: deviceSpace}
	Hostname       = Request{Name: "GetHostname", space: deviceSpace}
	Scopes         = Request{Name: "GetScopes", space: deviceSpace}
	Profiles       = Request{Name: "GetProfiles", space: mediaSpace}
	Encoders       = Request{Name: "GetVideoEncoderConfigurations", space: mediaSpace}
	Media2Profiles = Request{Name: "GetProfiles", space: media2Space, body: "<Type>All</Type>"}
)

// StreamURI asks media for the address of a profile's stream.
func StreamURI(profile string) Request {
	const schema = ` xmlns="http://www.onvif.org/ver10/schema"`
	return Request{Name: "GetStreamUri", space: mediaSpace, body: "<StreamSetup><Stream" + schema + ">RTP-Unicast</Stream><Transport" +
		schema + "><Protocol>RTSP</Protocol></Transport></StreamSetup><ProfileToken>" + escape(profile) + "</ProfileToken>"}
}

// Media2StreamURI asks media2 for the address of a profile's stream.
func Media2StreamURI(profile string) Request {
	return Request{Name: "GetStreamUri", space: media2Space,
		body: "<Protocol>RTSP</Protocol><ProfileToken>" + escape(profile) + "</ProfileToken>"}
}

// Action names the operation in the Content-Type of SOAP 1.2.
func (r Request) Action() string { return r.space + "/" + r.Name }

// Envelope is the request as it is sent; a nil token sends it without a login. The body's element has
// exactly these two namespaces, in this order, and the operation is its first child: the form of
// Windows tools, which servers that search the text instead of reading XML insist on.
func (r Request) Envelope(t *Token) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` +
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">`)
	if t != nil {
		t.write(&b)
	}
	b.WriteString(`<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">` +
		`<` + r.Name + ` xmlns="` + r.space + `"`)
	if r.body == "" {
		b.WriteString(`/>`)
	} else {
		b.WriteString(`>` + r.body + `</` + r.Name + `>`)
	}
	b.WriteString(`</s:Body></s:Envelope>`)
	return b.Bytes()
}

// NonceSize is the size of a token's nonce, bytes. Longer ones are refused by some cameras.
const NonceSize = 16

// Token is a WS-UsernameToken with PasswordDigest (WS-Security UsernameToken Profile 1.0): good for one
// request, because a camera refuses a nonce that it has seen.
type Token struct {
	Login   protocol.Login
	Nonce   [NonceSize]byte // random
	Created time.Time       // on the camera's clock: ours plus its offset
}

const (
	wss      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	secext   = wss + "wssecurity-secext-1.0.xsd"
	utility  = wss + "wssecurity-utility-1.0.xsd"
	byDigest = wss + "username-token-profile-1.0#PasswordDigest"
	base64ed = wss + "soap-message-security-1.0#Base64Binary"
)

// createdForm is xsd:dateTime with milliseconds, as Windows tools write it: some cameras accept no other.
const createdForm = "2006-01-02T15:04:05.000Z"

func (t *Token) write(b *bytes.Buffer) {
	created := t.Created.UTC().Format(createdForm)
	b.WriteString(`<s:Header><Security s:mustUnderstand="1" xmlns="` + secext + `"><UsernameToken><Username>` + escape(t.Login.User) +
		`</Username><Password Type="` + byDigest + `">` + t.digest(created) +
		`</Password><Nonce EncodingType="` + base64ed + `">` + base64.StdEncoding.EncodeToString(t.Nonce[:]) +
		`</Nonce><Created xmlns="` + utility + `">` + created + `</Created></UsernameToken></Security></s:Header>`)
}

// digest is Base64(SHA-1(nonce + created + password)).
func (t *Token) digest(created string) string {
	h := sha1.New()
	h.Write(t.Nonce[:])
	h.Write([]byte(created))
	h.Write([]byte(t.Login.Password))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}
