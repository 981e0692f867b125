package onvif

import (
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Info is the answer to DeviceInfo. Every field may be empty.
type Info struct{ Manufacturer, Model, Firmware, Serial string }

// DecodeInfo reads the answer to DeviceInfo.
func DecodeInfo(r io.Reader) (i Info, err error) {
	err = answer(r, "GetDeviceInformationResponse", visitor{end: func(p path, text string) bool {
		switch p[len(p)-1] {
		case "Manufacturer":
			i.Manufacturer = Clean(text)
		case "Model":
			i.Model = Clean(text)
		case "FirmwareVersion":
			i.Firmware = Clean(text)
		case "SerialNumber":
			i.Serial = Clean(text)
		}
		return false
	}})
	return i, err
}

// answer reads what stands in an element of that name, directly inside the body.
func answer(r io.Reader, name string, v visitor) error {
	told := false
	err := read(r, visitor{
		begin: func(p path, token string) {
			if p[0] == name {
				told = true
				if v.begin != nil && len(p) > 1 {
					v.begin(p[1:], token)
				}
			}
		},
		end: func(p path, text string) bool {
			return p[0] == name && (len(p) == 1 || v.end(p[1:], text))
		},
	})
	if err == nil && !told {
		return NotTold
	}
	return err
}

// Addresses are those of the services that have streams to tell of, as the device writes them; empty:
// it lacks the service.
type Addresses struct{ Media, Media2 string }

// DecodeServices reads the answer to Services.
func DecodeServices(r io.Reader) (a Addresses, err error) {
	var space, at string
	err = answer(r, "GetServicesResponse", visitor{end: func(p path, text string) bool {
		switch {
		case p.is("Service", "Namespace"):
			space = strings.TrimSpace(text)
		case p.is("Service", "XAddr"):
			at = address(text)
		case p.is("Service"):
			switch space {
			case mediaSpace:
				a.Media = at
			case media2Space:
				a.Media2 = at
			}
			space, at = "", ""
		}
		return false
	}})
	return a, err
}

// DecodeCapabilities reads the answer to Capabilities, which knows no media2.
func DecodeCapabilities(r io.Reader) (a Addresses, err error) {
	err = answer(r, "GetCapabilitiesResponse", visitor{end: func(p path, text string) bool {
		if p.is("Capabilities", "Media", "XAddr") {
			a.Media = address(text)
		}
		return false
	}})
	return a, err
}

// maxAddress is how long an address may be, bytes. A longer one is not cut but not told.
const maxAddress = 512

// address is a URL as written; empty if it cannot be one.
func address(text string) string {
	text = strings.TrimSpace(text)
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\uFFFD' }
	if len(text) > maxAddress || strings.ContainsFunc(text, odd) {
		return ""
	}
	return text
}

// DecodeStreamURI reads the answer to StreamURI and Media2StreamURI. The address is as the device writes
// it: with another's host perhaps, or with a login.
func DecodeStreamURI(r io.Reader) (uri string, err error) {
	err = answer(r, "GetStreamUriResponse", visitor{end: func(p path, text string) bool {
		if p.is("Uri") {
			uri = address(text)
		}
		return uri != ""
	}})
	if err == nil && uri == "" {
		err = NotTold
	}
	return uri, err
}

// maxInterfaces is how many interfaces of a device are read.
const maxInterfaces = 8

// DecodeInterfaces reads the answer to Interfaces: MACs, lower case with colons, those of interfaces
// that are enabled first. The first may be a dead interface's all the same.
func DecodeInterfaces(r io.Reader) (macs []string, err error) {
	var enabled int
	var mac string
	var on bool
	err = answer(r, "GetNetworkInterfacesResponse", visitor{end: func(p path, text string) bool {
		switch {
		case p.is("Info", "HwAddress"):
			mac = parseMAC(text)
		case p.is("NetworkInterfaces", "Enabled"):
			on = strings.TrimSpace(text) == "true" || strings.TrimSpace(text) == "1"
		case p.is("NetworkInterfaces"):
			if mac != "" && !slices.Contains(macs, mac) {
				at := len(macs)
				if on {
					at, enabled = enabled, enabled+1
				}
				macs = slices.Insert(macs, at, mac)
			}
			mac, on = "", false
		}
		return len(macs) == maxInterfaces
	}})
	return macs, err
}

// parseMAC reads six bytes in hexadecimal with any of : - . or nothing between them; empty if it is no
// address that one interface can have.
func parseMAC(text string) string {
	digits := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.TrimSpace(text)))
	n, err := strconv.ParseUint(digits, 16, 64)
	if len(digits) != 12 || err != nil || n == 0 || n>>40&1 == 1 { // zero, or a group's
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

// DecodeHostname reads the answer to Hostname.
func DecodeHostname(r io.Reader) (name string, err error) {
	err = answer(r, "GetHostnameResponse", visitor{end: func(p path, text string) bool {
		if p.is("Name") {
			name = Clean(text)
		}
		return false
	}})
	return name, err
}

// DecodeScopes reads the answer to Scopes: the name that the device was given in them (ONVIF Core
// section 7.3.2.2), often its maker's.
func DecodeScopes(r io.Reader) (name string, err error) {
	err = answer(r, "GetScopesResponse", visitor{end: func(p path, text string) bool {
		const prefix = "onvif://www.onvif.org/name/"
		text = strings.TrimSpace(text)
		if p.is("ScopeItem") && len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			name = text[len(prefix):]
			if plain, err := url.PathUnescape(name); err == nil {
				name = plain
			}
			name = Clean(name)
		}
		return name != ""
	}})
	return name, err
}
