package network

import (
	"slices"
	"testing"

	"wildfire-watch/network/device"
	"wildfire-watch/protocol"
)

// TestAnOpenDoorIsAskedForWhatIsBehindIt: a port scan tells doors without saying what is behind them.
func TestAnOpenDoorIsAskedForWhatIsBehindIt(t *testing.T) {
	onvif, doors := split(protocol.InterviewOrder{
		Doors: []protocol.Door{{Port: 8899}, {Port: 554}, {Port: 7070, Path: "/axis-media/media.amp"}, {Port: 80, Path: "/stream"}},
		Ports: []int{554, 80, 7070, 9554},
	})
	if !slices.Equal(onvif, []int{8899, 80}) {
		t.Errorf("asked for ONVIF: %v", onvif)
	}
	want := []protocol.Door{{Port: 554}, {Port: 7070, Path: "/axis-media/media.amp"}, {Port: 80, Path: "/stream"}, {Port: 9554}}
	if !slices.Equal(doors, want) {
		t.Errorf("asked for streams: %v, want %v", doors, want)
	}
}

// TestALoginThatOneRefusedIsNotShownToTheOther: RTSP and ONVIF of one device count together.
func TestALoginThatOneRefusedIsNotShownToTheOther(t *testing.T) {
	all := []protocol.Login{{ID: "line 1"}, {ID: "line 2"}, {ID: "line 3"}}
	for _, c := range []struct {
		who  device.Answer
		want []string
	}{
		{device.Answer{}, []string{"line 1", "line 2", "line 3"}},
		{device.Answer{Refused: []string{"line 1", "line 2"}}, []string{"line 3"}},
		{device.Answer{Refused: []string{"line 1"}, LoginID: "line 2"}, []string{"line 2"}},
		{device.Answer{Refused: []string{"line 1", "line 2", "line 3"}}, nil},
	} {
		var got []string
		for _, l := range left(all, c.who) {
			got = append(got, l.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.who, got, c.want)
		}
	}
}

func TestTheLargestStreamIsTheMainOneIfAllTellTheirSize(t *testing.T) {
	small, large, mute := protocol.Stream{URL: "s", Width: 640, Height: 360}, protocol.Stream{URL: "l", Width: 1920, Height: 1080}, protocol.Stream{URL: "m"}
	for _, c := range []struct{ given, want []protocol.Stream }{
		{[]protocol.Stream{small, large}, []protocol.Stream{large, small}},
		{[]protocol.Stream{small, mute, large}, []protocol.Stream{small, mute, large}},
	} {
		got := slices.Clone(c.given)
		largestFirst(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v becomes %v", c.given, got)
		}
	}
}
