package nvr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"wildfire-watch/protocol"
)

// MaxInput bounds what is read, in bytes.
const MaxInput = 16 << 20

// found is a camera as `wildfire-watch discover --json` prints it in a list, and as camera/discovery/<mac>
// carries it alone. Fields that are not named here are ignored.
type found struct {
	MAC          string
	IP           string
	Name         string // its name in Frigate
	Title        string // what people call it, or what it calls itself
	Manufacturer string
	Model        string
	Streams      []struct {
		URL           string
		Codec         string
		Width, Height int
		UDPOnly       bool `json:"udp_only"`
	}
	// URLs are the streams of a message that says no more of them.
	URLs    []string `json:"rtsp_urls"`
	Login   protocol.LoginState
	LoginID string `json:"login_id"`
}

// Decode reads what `wildfire-watch discover --json` prints, or its list of cameras alone.
func Decode(text []byte) ([]Camera, error) {
	var list []found
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		var all struct{ Cameras *[]found }
		if err := unmarshal(text, &all); err != nil {
			return nil, err
		}
		if all.Cameras == nil {
			return nil, errors.New("an object without cameras")
		}
		list = *all.Cameras
	} else if err := unmarshal(text, &list); err != nil {
		return nil, err
	}
	cameras := make([]Camera, len(list))
	for i, f := range list {
		cameras[i] = f.camera()
	}
	return cameras, nil
}

// DecodeOne reads one message of camera/discovery/<mac>.
func DecodeOne(payload []byte) (Camera, error) {
	var f found
	if err := unmarshal(payload, &f); err != nil {
		return Camera{}, err
	}
	if f.MAC == "" && f.IP == "" {
		return Camera{}, errors.New("a camera without mac and ip")
	}
	return f.camera(), nil
}

func unmarshal(text []byte, into any) error {
	if len(text) > MaxInput {
		return fmt.Errorf("more than %d MiB", MaxInput>>20)
	}
	err := json.Unmarshal(text, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind) && kind.Field == "":
		return errors.New("not the kind of JSON that is wanted")
	case errors.As(err, &kind):
		return fmt.Errorf("%s is not of its kind at byte %d", strings.ToLower(kind.Field), kind.Offset)
	}
	return err
}

// camera is what is handed over of it. A camera whose login is not known to be needed has none when
// its streams came without one.
func (f found) camera() Camera {
	c := Camera{Name: f.Name, Friendly: cmp.Or(f.Title, f.Name), MAC: f.MAC, IP: f.IP, Maker: f.Manufacturer, Model: f.Model, LoginVar: f.LoginID}
	switch protocol.LoginState(strings.ToLower(string(f.Login))) {
	case "", protocol.LoginNone:
		c.HasLogin = f.LoginID != ""
	default:
		c.HasLogin = true
	}
	for _, s := range f.Streams[:min(len(f.Streams), maxStreams)] {
		c.Streams = append(c.Streams, protocol.Stream{URL: s.URL, Codec: s.Codec, Width: s.Width, Height: s.Height, UDPOnly: s.UDPOnly})
	}
	if len(f.Streams) == 0 {
		for _, url := range f.URLs[:min(len(f.URLs), maxStreams)] {
			c.Streams = append(c.Streams, protocol.Stream{URL: url})
		}
	}
	return c
}
