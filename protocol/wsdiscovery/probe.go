package wsdiscovery

import "strings"

// Sought is a type of device to search for. A device answers a Probe only if it has every type in it,
// so that there is one Probe for each.
type Sought byte

// The types that ONVIF devices have: a camera has the first by the older rules and the second by the
// newer ones (Core Specification §7.3.2.1); most have both.
const (
	VideoTransmitter Sought = iota
	ONVIFDevice
)

// Form is how a Probe is written down. Both say the same; there are cameras that read only one.
type Form byte

const (
	// Windows is what the tools on Windows send, which every maker tests with. Namespaces are
	// declared where they are used, and once more at the types.
	Windows Form = iota
	// Plain has all namespaces at the top, the ID with "urn:" and no address for the answer.
	Plain
)

// EncodeProbe is a Probe for devices of one type. The id is a UUID, without prefix.
func EncodeProbe(id string, sought Sought, form Form) []byte {
	text := windowsProbe
	if form == Plain {
		text = plainProbe
	}
	space, kind := networkSpace, "NetworkVideoTransmitter"
	if sought == ONVIFDevice {
		space, kind = deviceSpace, "Device"
	}
	return []byte(strings.NewReplacer("{id}", id, "{space}", space, "{type}", kind).Replace(text))
}

// Namespaces in which types are.
const (
	networkSpace = "http://www.onvif.org/ver10/network/wsdl"
	deviceSpace  = "http://www.onvif.org/ver10/device/wsdl"
)

const (
	header       = `<?xml version="1.0" encoding="UTF-8"?>`
	soap         = `"http://www.w3.org/2003/05/soap-envelope"`
	addressing   = `http://schemas.xmlsoap.org/ws/2004/08/addressing`
	discovery    = `http://schemas.xmlsoap.org/ws/2005/04/discovery`
	everybody    = `urn:schemas-xmlsoap-org:ws:2005:04:discovery`
	windowsProbe = header + `<s:Envelope xmlns:s=` + soap + ` xmlns:a="` + addressing + `"><s:Header>` +
		`<a:Action s:mustUnderstand="1">` + discovery + `/Probe</a:Action><a:MessageID>uuid:{id}</a:MessageID>` +
		`<a:ReplyTo><a:Address>` + addressing + `/role/anonymous</a:Address></a:ReplyTo>` +
		`<a:To s:mustUnderstand="1">` + everybody + `</a:To></s:Header><s:Body><Probe xmlns="` + discovery + `">` +
		`<d:Types xmlns:d="` + discovery + `" xmlns:dp0="{space}">dp0:{type}</d:Types></Probe></s:Body></s:Envelope>`
	plainProbe = header + `<s:Envelope xmlns:s=` + soap + ` xmlns:a="` + addressing + `" xmlns:d="` + discovery +
		`" xmlns:dn="{space}"><s:Header><a:Action>` + discovery + `/Probe</a:Action>` +
		`<a:MessageID>urn:uuid:{id}</a:MessageID><a:To>` + everybody + `</a:To></s:Header><s:Body>` +
		`<d:Probe><d:Types>dn:{type}</d:Types></d:Probe></s:Body></s:Envelope>`
)
