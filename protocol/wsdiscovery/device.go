package wsdiscovery

import (
	"net/url"
	"slices"
	"strings"

	"wildfire-watch/protocol/announced"
)

// others are types of devices that are no cameras: printers and scanners (Microsoft's WSD), computers
// (its function discovery), and ONVIF's displays. In lower case.
var others = []string{"printdevicetype", "printerservicetype", "scandevicetype", "scannerservicetype", "computer",
	"networkvideodisplay"}

// streams are ends of ONVIF scopes that only a device with video has. In lower case, without "_".
var streams = []string{"type/networkvideotransmitter", "type/videoencoder", "profile/streaming", "profile/t"}

// scopePrefix begins every ONVIF scope; in lower case.
const scopePrefix = "onvif://www.onvif.org/"

// classify reads what a device's types and scopes say.
func (d *Device) classify(types []qualified, scopes []string) {
	for _, t := range types {
		local := strings.ToLower(t.local)
		switch {
		case local == "networkvideotransmitter":
			d.Camera = true
		case local == "device" && (t.space == deviceSpace || t.space == "tds"):
			d.ONVIF = true
		case slices.Contains(others, local):
			d.Other = true
		}
	}
	for _, s := range scopes {
		d.scope(s)
	}
	d.ONVIF = d.ONVIF || d.Camera
	d.Other = d.Other && !d.Camera
}

// scope reads one scope. The first of a kind counts.
func (d *Device) scope(s string) {
	if len(s) < len(scopePrefix) || !strings.EqualFold(s[:len(scopePrefix)], scopePrefix) {
		return
	}
	s = s[len(scopePrefix):]
	d.ONVIF = true
	if slices.Contains(streams, strings.ReplaceAll(strings.ToLower(s), "_", "")) {
		d.Camera = true
	}
	kind, value, _ := strings.Cut(s, "/")
	if plain, err := url.PathUnescape(value); err == nil {
		value = plain
	}
	var to *string
	switch strings.ToLower(kind) {
	case "name":
		to = &d.Name
	case "hardware":
		to = &d.Hardware
	case "location":
		to = &d.Location
	case "mac", "macaddress":
		if d.MAC == "" {
			d.MAC = announced.MAC(value)
		}
		return
	default:
		return
	}
	if *to == "" {
		*to = announced.Text(value)
	}
}

// splitScopes splits the list of scopes. Cameras write names with a bare space in them, which makes
// two words of one scope: a word that is no URI goes on with the one before it.
func splitScopes(text string) (scopes []string) {
	for word := range strings.FieldsSeq(text) {
		switch last := len(scopes) - 1; {
		case strings.Contains(word, "://") || last < 0:
			if len(scopes) == maxScopes {
				return scopes
			}
			scopes = append(scopes, word)
		case len(scopes[last]) < MaxXAddr:
			scopes[last] += " " + word
		}
	}
	return scopes
}

// addresses reads a list of XAddrs: several of them, separated by white space, are one field.
func addresses(text string) (list []string) {
	for address := range strings.FieldsSeq(text) {
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
			continue
		}
		u.User, u.Fragment, u.RawFragment = nil, "", ""
		a := word(u.String(), MaxXAddr)
		if a == "" || slices.Contains(list, a) {
			continue
		}
		if list = append(list, a); len(list) == MaxXAddrs {
			break
		}
	}
	return list
}

// uuidLength is that of a UUID as text.
const uuidLength = 36

// endpoint is an endpoint address in one form: ONVIF wants "urn:uuid:…", devices leave parts of it out.
func endpoint(text string) string {
	e := strings.ToLower(strings.TrimSpace(text))
	id, isUUID := strings.CutPrefix(strings.TrimPrefix(e, "urn:"), "uuid:")
	if isUUID || len(e) == uuidLength && strings.Count(e, "-") == 4 {
		e = "urn:uuid:" + id
	}
	return word(e, MaxEPR)
}
