package nvr

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

const list = `{"suspects":[],"took":4.2,"cameras":[
 {"mac":"44:19:b6:0a:00:01","ip":"10.0.0.5","name":"cam_4419b60a0001","title":"Front gate","manufacturer":"Hikvision","model":"DS","login":"good","login_id":"line 3","found_by":["arp"],
  "streams":[{"url":"rtsp://10.0.0.5/1","codec":"H264","width":2560,"height":1440,"fps":25,"profile":"a"},{"url":"rtsp://10.0.0.5/2","codec":"H264","width":640,"height":360,"udp_only":true}]},
 {"mac":"00:40:8c:00:00:03","ip":"10.0.0.7","login":"none","rtsp_urls":["rtsp://10.0.0.7/x"],"online":true},
 {"mac":"00:40:8c:00:00:05","ip":"10.0.0.9","login":"missing"}]}`

func TestTheListOfDiscoverIsRead(t *testing.T) {
	got, err := Decode([]byte(list))
	want := []Camera{
		{Name: "cam_4419b60a0001", Friendly: "Front gate", MAC: "44:19:b6:0a:00:01", IP: "10.0.0.5", Maker: "Hikvision", Model: "DS", HasLogin: true, LoginVar: "line 3", Streams: []protocol.Stream{
			{URL: "rtsp://10.0.0.5/1", Codec: "H264", Width: 2560, Height: 1440}, {URL: "rtsp://10.0.0.5/2", Codec: "H264", Width: 640, Height: 360, UDPOnly: true}}},
		{MAC: "00:40:8c:00:00:03", IP: "10.0.0.7", Streams: []protocol.Stream{{URL: "rtsp://10.0.0.7/x"}}},
		{MAC: "00:40:8c:00:00:05", IP: "10.0.0.9", HasLogin: true},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	check(t, got, filters)
	one, err := DecodeOne([]byte(`{"mac":"00:40:8c:00:00:03","ip":"10.0.0.7","login":"none","rtsp_urls":["rtsp://10.0.0.7/x"]}`))
	if err != nil || !reflect.DeepEqual(one, want[1]) {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestWhatIsNoListSaysWhy(t *testing.T) {
	for text, why := range map[string]string{"": "not JSON", "{": "not JSON", "{}": "an object without cameras", `{"cameras":7}`: "cameras is not of its kind", "7": "not the kind", "[7]": "not the kind", `"x"`: "not the kind",
		`[{"mac":7}]`: "mac is not of its kind", `[{"streams":[{"width":"x"}]}]`: "streams.width is not of its kind", `[{"streams":[{"width":1.5}]}]`: "width", "[] x": "not JSON"} {
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %s", text, err, why)
		}
	}
	if _, err := DecodeOne([]byte(`{}`)); err == nil {
		t.Error("a camera without any address")
	}
	if _, err := Decode(bytes.Repeat([]byte(" "), MaxInput+1)); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(list))
	f.Add([]byte(`[{"login":"good","login_id":"{}","name":"\u2028","streams":[{"url":"rtsp://u:p@h/{x}"}]},{},null]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cameras, err := Decode(text)
		if err != nil && cameras != nil {
			t.Fatalf("%+v, %v", cameras, err)
		}
		check(t, cameras, filters)
	})
}
