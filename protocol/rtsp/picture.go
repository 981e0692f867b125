package rtsp

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// picture reads size and frames a second from a sequence parameter set (H.264 §7.3.2.1.1, H.265
// §7.3.2.2.1). The set is a stranger's: a parser that stumbles over it costs the size, not the process.
func picture(codec string, set []byte) (width, height int, fps float64, err error) {
	defer func() {
		if recover() != nil {
			width, height, fps, err = 0, 0, 0, Malformed
		}
	}()
	if codec == "H265" {
		var s h265.SPS
		if err := s.Unmarshal(set); err != nil {
			return 0, 0, 0, Malformed
		}
		return s.Width(), s.Height(), s.FPS(), nil
	}
	var s h264.SPS
	if err := s.Unmarshal(set); err != nil {
		return 0, 0, 0, Malformed
	}
	return s.Width(), s.Height(), s.FPS(), nil
}

// JPEGSize reads the size from the payload of an RTP packet of JPEG (RFC 2435 §3.1.5, in steps of 8
// pixels): an SDP never tells it. False if the packet is none, or a side is beyond 2040 pixels, which
// this header cannot say.
func JPEGSize(packet []byte) (width, height int, ok bool) {
	const fixed, extension, csrc = 12, 0x10, 4 // RFC 3550 §5.1
	if len(packet) < fixed || packet[0]>>6 != 2 {
		return 0, 0, false
	}
	at := fixed + csrc*int(packet[0]&0x0f)
	if packet[0]&extension != 0 {
		if len(packet) < at+4 {
			return 0, 0, false
		}
		at += 4 + 4*(int(packet[at+2])<<8|int(packet[at+3]))
	}
	if len(packet) < at+8 {
		return 0, 0, false
	}
	width, height = 8*int(packet[at+6]), 8*int(packet[at+7])
	return width, height, width > 0 && height > 0
}
