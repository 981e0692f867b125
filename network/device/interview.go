package device

import (
	"cmp"
	"context"
	"io"
	"net/url"
	"slices"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/onvif"
)

// ask asks one question and returns what the codec reads of the answer; the problem is empty if it was
// answered.
func ask[T any](ctx context.Context, s *session, at *url.URL, question onvif.Request, decode func(io.Reader) (T, error)) (answer T, problem string) {
	r := s.call(ctx, at, question, func(body io.Reader) (err error) {
		answer, err = decode(body)
		return err
	})
	if r.err != nil {
		problem = r.problem(question)
	}
	return answer, problem
}

// identify asks who the device is. It is the first question that may need a login.
func (s *session) identify(ctx context.Context) {
	info, problem := ask(ctx, s, s.home, onvif.DeviceInfo, onvif.DecodeInfo)
	s.trouble(problem)
	s.answer.Manufacturer, s.answer.Model, s.answer.Firmware, s.answer.Serial = info.Manufacturer, info.Model, info.Firmware, info.Serial
	if !s.closed {
		s.answer.MACs, _ = ask(ctx, s, s.home, onvif.Interfaces, onvif.DecodeInterfaces)
	}
}

// name asks what the device is called.
func (s *session) name(ctx context.Context) {
	if s.closed || s.over {
		return
	}
	s.answer.Name, _ = ask(ctx, s, s.home, onvif.Scopes, onvif.DecodeScopes)
	if s.answer.Name == "" {
		s.answer.Name, _ = ask(ctx, s, s.home, onvif.Hostname, onvif.DecodeHostname)
	}
}

// media are the services that have streams to tell of; nil: the device has none.
type media struct{ one, two *url.URL }

func (s *session) media(ctx context.Context) (m media) {
	told, _ := ask(ctx, s, s.home, onvif.Services, onvif.DecodeServices)
	if told == (onvif.Addresses{}) {
		var problem string
		told, problem = ask(ctx, s, s.home, onvif.Capabilities, onvif.DecodeCapabilities)
		s.trouble(problem)
	}
	m.one, _ = beside(s.home, told.Media, s.ip)
	m.two, _ = beside(s.home, told.Media2, s.ip)
	s.answer.Media = m.one != nil || m.two != nil
	return m
}

// streams asks for the profiles and for the address of each that has video.
func (s *session) streams(ctx context.Context) {
	m := s.media(ctx)
	profiles := s.profiles(ctx, m)
	slices.SortStableFunc(profiles, func(a, b onvif.Profile) int {
		return cmp.Compare(int64(b.Width)*int64(b.Height), int64(a.Width)*int64(a.Height))
	})
	for _, p := range profiles {
		if !p.Video {
			continue
		}
		s.answer.Video = true
		at, ok := s.uri(ctx, m, p.Token)
		if !ok || slices.ContainsFunc(s.answer.Streams, func(t protocol.Stream) bool { return t.URL == at }) {
			continue
		}
		s.answer.Streams = append(s.answer.Streams, protocol.Stream{
			Profile: p.Token, URL: at, Codec: p.Codec, Width: p.Width, Height: p.Height, FPS: p.FPS})
	}
}

// profiles are those of media2, which alone knows H265, with what only media tells; else media's.
func (s *session) profiles(ctx context.Context, m media) (all []onvif.Profile) {
	if m.two != nil {
		all, _ = ask(ctx, s, m.two, onvif.Media2Profiles, onvif.DecodeProfiles)
	}
	lacks := func(p onvif.Profile) bool { return p.Video && (p.Codec == "" || p.Width == 0 || p.FPS == 0) }
	if m.one == nil || s.closed && m.two != nil || len(all) > 0 && !slices.ContainsFunc(all, lacks) {
		return all
	}
	older, problem := ask(ctx, s, m.one, onvif.Profiles, onvif.DecodeProfiles)
	if len(all) == 0 {
		all = older
		s.trouble(problem)
	}
	for i := range all {
		for _, o := range older {
			if o.Token == all[i].Token {
				complete(&all[i].Encoding, o.Encoding)
			}
		}
	}
	unset := func(p onvif.Profile) bool { return p.Encoder != "" && (p.Codec == "" || p.Width == 0) }
	if slices.ContainsFunc(all, unset) {
		encoders, _ := ask(ctx, s, m.one, onvif.Encoders, onvif.DecodeEncoders)
		for i := range all {
			for _, e := range encoders {
				if e.Encoder == all[i].Encoder {
					complete(&all[i].Encoding, e)
				}
			}
		}
	}
	return all
}

// complete fills what e lacks.
func complete(e *onvif.Encoding, from onvif.Encoding) {
	e.Codec = cmp.Or(e.Codec, from.Codec)
	e.FPS = cmp.Or(e.FPS, from.FPS)
	if e.Width == 0 || e.Height == 0 {
		e.Width, e.Height = from.Width, from.Height
	}
}

// uri asks for the address of a profile's stream: media2 first, for media does not know every profile.
func (s *session) uri(ctx context.Context, m media, profile string) (string, bool) {
	problem := ""
	for _, way := range []struct {
		at  *url.URL
		ask onvif.Request
	}{{m.two, onvif.Media2StreamURI(profile)}, {m.one, onvif.StreamURI(profile)}} {
		if way.at == nil {
			continue
		}
		var told string
		if told, problem = ask(ctx, s, way.at, way.ask, onvif.DecodeStreamURI); problem != "" {
			continue
		}
		at, ok := stream(told, s.ip)
		if ok {
			return at, true
		}
		problem = way.ask.Name + " at " + way.at.Host + ": the address is none, or holds a login"
	}
	s.trouble(problem)
	return "", false
}
