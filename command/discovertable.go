package command

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"wildfire-watch/actors/discovery"
	"wildfire-watch/protocol"
)

// foundJSON is what discover --json prints. Fields are added, never renamed.
type foundJSON struct {
	Cameras  []foundCamera  `json:"cameras"`
	Suspects []foundSuspect `json:"suspects"`
	// Others are hosts that are neither.
	Others  int      `json:"others"`
	Took    float64  `json:"took"`     // seconds, all of it
	ARPTook float64  `json:"arp_took"` // seconds until every address had been asked
	Reduced string   `json:"reduced"`  // what could not be done, and what to do; empty: all was
	Skipped []string `json:"skipped"`  // subnets too wide to search unasked
}

type foundCamera struct {
	MAC          string              `json:"mac"`
	IP           string              `json:"ip"`
	Name         string              `json:"name"`
	Title        string              `json:"title"`
	Manufacturer string              `json:"manufacturer"`
	Model        string              `json:"model"`
	Firmware     string              `json:"firmware"`
	Serial       string              `json:"serial"`
	FoundBy      []protocol.Means    `json:"found_by"`
	Proof        string              `json:"proof"`
	Login        protocol.LoginState `json:"login"`
	LoginID      string              `json:"login_id,omitempty"`
	Streams      []foundStream       `json:"streams"`
	Problem      string              `json:"problem,omitempty"`
}

type foundStream struct {
	Profile string  `json:"profile,omitempty"`
	URL     string  `json:"url"` // never with a login
	Codec   string  `json:"codec"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	FPS     float64 `json:"fps"`
	Audio   string  `json:"audio,omitempty"`
	UDPOnly bool    `json:"udp_only,omitempty"`
}

type foundSuspect struct {
	MAC   string `json:"mac"`
	IP    string `json:"ip"`
	Maker string `json:"maker"`
	Why   string `json:"why"`
}

// found is what the search has brought.
func (s *search) found(l discovery.List) foundJSON {
	f := foundJSON{Cameras: []foundCamera{}, Suspects: []foundSuspect{}, Skipped: []string{},
		Took: round(time.Since(s.begun)), ARPTook: round(s.report.ARPTook), Reduced: s.report.Reduced}
	f.Skipped = append(f.Skipped, s.report.Skipped...)
	for _, c := range l.Cameras {
		one := foundCamera{MAC: cmp.Or(c.MAC, c.FrameMAC), IP: c.IP, Name: c.Name, Title: c.Title, Manufacturer: c.Manufacturer,
			Model: c.Model, Firmware: c.Firmware, Serial: c.Serial, FoundBy: c.Means, Proof: c.Proof,
			Login: c.Login, LoginID: c.LoginID, Streams: []foundStream{}, Problem: c.Problem}
		for _, v := range c.Streams {
			one.Streams = append(one.Streams, foundStream(v))
		}
		f.Cameras = append(f.Cameras, one)
	}
	for _, h := range l.Suspects {
		f.Suspects = append(f.Suspects, foundSuspect(h))
	}
	f.Others = max(0, l.Hosts-len(l.Cameras)-len(l.Suspects))
	return f
}

func round(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// print is the table for a person.
func (f foundJSON) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(f.Cameras) > 0 {
		fmt.Fprintln(w, "NAME\tMAC\tIP\tMAKER\tMODEL\tSTREAMS\tFOUND BY\tLOGIN")
	}
	for _, c := range f.Cameras {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(c.Name), dash(c.MAC), dash(c.IP),
			dash(c.Manufacturer), dash(c.Model), dash(c.sizes()), dash(c.how()), dash(string(c.Login)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range f.Cameras {
		if c.Problem != "" {
			fmt.Fprintf(out, "\n%s: %s\n", c.Name, c.Problem)
		}
	}
	if len(f.Suspects) > 0 {
		fmt.Fprintln(out, "\nMay be cameras, and have not proved it:")
		for _, s := range f.Suspects {
			fmt.Fprintf(out, "  %s %s %s: %s\n", s.IP, dash(s.MAC), dash(s.Maker), s.Why)
		}
	}
	fmt.Fprintf(out, "\n%d cameras, %d suspects, %d other hosts in %.1f s.\n", len(f.Cameras), len(f.Suspects),
		f.Others, f.Took)
	f.printLess(out)
	if slices.ContainsFunc(f.Cameras, func(c foundCamera) bool { return c.Login == protocol.LoginMissing }) {
		fmt.Fprintln(out, "Cameras that miss a login: write user:password lines into a file of mode 0600 and name it in cameras.credentials_file.")
	}
	return nil
}

// printLess says what was not looked at.
func (f foundJSON) printLess(out io.Writer) {
	if f.Reduced != "" {
		fmt.Fprintf(out, "Looked around with less: %s\n", f.Reduced)
	}
	if len(f.Skipped) > 0 {
		fmt.Fprintf(out, "Too wide to search unasked (cameras.wide_scan = true asks): %s\n", strings.Join(f.Skipped, ", "))
	}
}

// sizes are the streams in short: "H264 1920x1080, H264 640x360".
func (c foundCamera) sizes() string {
	var all []string
	for _, s := range c.Streams {
		size := s.Codec
		if s.Width > 0 {
			size += fmt.Sprintf(" %dx%d", s.Width, s.Height)
		}
		all = append(all, strings.TrimSpace(size))
	}
	return strings.Join(all, ", ")
}

// how are the ways in which it was found.
func (c foundCamera) how() string {
	var all []string
	for _, m := range c.FoundBy {
		all = append(all, string(m))
	}
	return strings.Join(all, ", ")
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
