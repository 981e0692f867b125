package protocol

import "testing"

func TestMACsAreReadInEveryUsualForm(t *testing.T) {
	for in, want := range map[string]string{
		"aa:bb:cc:dd:ee:0f": "aa:bb:cc:dd:ee:0f", "AA-BB-CC-DD-EE-0F": "aa:bb:cc:dd:ee:0f",
		"AabbCCddee0f": "aa:bb:cc:dd:ee:0f", "aa:bb:cc:dd:ee": "", "ga:bb:cc:dd:ee:0f": "",
		"aa.bb.cc.dd.ee.0f": "", "": "", "aabbccddee0": "", "aa:bb:cc:dd:ee:0f:": "",
	} {
		if got, _ := ParseMAC(in); got != want {
			t.Errorf("%q read as %q, want %q", in, got, want)
		}
	}
}

func TestADevicesMACIsNeitherZeroNorAGroups(t *testing.T) {
	for in, want := range map[string]bool{
		"aa:bb:cc:dd:ee:0f": true, "02:00:00:00:00:01": true, "00:00:00:00:00:00": false,
		"ff:ff:ff:ff:ff:ff": false, "01:00:5e:00:00:fb": false, "33:33:00:00:00:01": false, "x": false,
	} {
		if _, got := ParseDeviceMAC(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestAHostsIPHasOneSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.7": "10.0.0.7", "::ffff:10.0.0.7": "10.0.0.7", "fe80::1%eth0": "fe80::1",
		"FD00::0:7": "fd00::7", "0.0.0.0": "", "127.0.0.8": "127.0.0.8", "224.0.0.251": "",
		"255.255.255.255": "", "10.0.0": "", "10.0.0.7:80": "", "camera": "", "": "",
	} {
		if got, _ := ParseHostIP(in); got != want {
			t.Errorf("%q read as %q, want %q", in, got, want)
		}
	}
}
