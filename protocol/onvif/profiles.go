package onvif

import (
	"io"
	"strconv"
	"strings"
)

// Encoding is how an encoder is set. The zero value of a field says that the device did not tell it.
type Encoding struct {
	Encoder       string // token
	Codec         string // "H264", "H265", "JPEG", "MPEG4", or a name that we do not know
	Width, Height int    // pixels
	FPS           float64
}

// Profile is one media profile.
type Profile struct {
	Token string // 1 to MaxText bytes, as it must be given back
	Name  string
	Video bool // it has a video source or a video encoder
	Encoding
}

// Bounds on what an encoder may say.
const (
	maxSide = 1 << 16
	maxFPS  = 1000
)

// DecodeProfiles reads the answer to Profiles and to Media2Profiles, the first MaxProfiles of it. A
// profile without a token that can be given back is left out. Media says H264 where media2 says H265.
func DecodeProfiles(r io.Reader) (profiles []Profile, err error) {
	var now Profile
	err = answer(r, "GetProfilesResponse", visitor{
		begin: func(p path, token string) {
			switch {
			case len(p) == 1 && p.is("Profiles"):
				now = Profile{Token: token}
			case p.is("Profiles", "VideoEncoderConfiguration"), p.is("Configurations", "VideoEncoder"):
				now.Video, now.Encoder = true, token
			case p.is("Profiles", "VideoSourceConfiguration"), p.is("Configurations", "VideoSource"):
				now.Video = true
			}
		},
		end: func(p path, text string) bool {
			switch {
			case len(p) == 1:
				if p.is("Profiles") && now.Token != "" {
					profiles = append(profiles, now)
				}
				now = Profile{}
			case len(p) == 2 && p.is("Name"):
				now.Name = Clean(text)
			case p[1] == "VideoEncoderConfiguration":
				now.take(p[2:], text)
			case len(p) > 2 && p[1] == "Configurations" && p[2] == "VideoEncoder":
				now.take(p[3:], text)
			}
			return len(profiles) == MaxProfiles
		},
	})
	if err == TooLarge && len(profiles) > 0 {
		err = nil // a recorder tells more than we read
	}
	return profiles, err
}

// DecodeEncoders reads the answer to Encoders.
func DecodeEncoders(r io.Reader) (all []Encoding, err error) {
	var now Encoding
	err = answer(r, "GetVideoEncoderConfigurationsResponse", visitor{
		begin: func(p path, token string) {
			if len(p) == 1 {
				now = Encoding{Encoder: token}
			}
		},
		end: func(p path, text string) bool {
			now.take(p[1:], text)
			if len(p) == 1 && now.Encoder != "" {
				all = append(all, now)
			}
			return len(all) == MaxProfiles
		},
	})
	return all, err
}

// take reads one field of an encoder's configuration; p is below it.
func (e *Encoding) take(p path, text string) {
	text = strings.TrimSpace(text)
	switch {
	case len(p) == 1 && p.is("Encoding"):
		e.Codec = codec(text)
	case p.is("Resolution", "Width"):
		e.Width = side(text)
	case p.is("Resolution", "Height"):
		e.Height = side(text)
	case p.is("RateControl", "FrameRateLimit"):
		if f, err := strconv.ParseFloat(text, 64); err == nil && f > 0 && f <= maxFPS {
			e.FPS = f
		}
	}
}

func side(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxSide {
		return 0
	}
	return n
}

// codecs are the names of media and of media2 (IANA's media types) and how we call them.
var codecs = map[string]string{
	"H264": "H264", "AVC": "H264", "H265": "H265", "HEVC": "H265", "JPEG": "JPEG", "MJPEG": "JPEG", "MPEG4": "MPEG4", "MPV4-ES": "MPEG4",
}

const longestCodec = 16

func codec(text string) string {
	text = strings.ToUpper(text)
	if name, known := codecs[text]; known {
		return name
	}
	if Clean(text) != text || len(text) > longestCodec {
		return ""
	}
	return text
}
