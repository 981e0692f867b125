package hosts

// Door is a TCP port behind which cameras have RTSP or ONVIF, and whose.
type Door struct {
	Port   int
	RTSP   bool // else HTTP, for ONVIF
	Reason string
}

// Doors are the ports that are tried on hosts that answered, the likeliest first. A table, so that a
// port has one reason in one place.
var Doors = [...]Door{
	{554, true, "RTSP as registered (RFC 7826 §23.1): nearly every camera"},
	{80, false, "ONVIF on the camera's own web server, as most do"},
	{8554, true, "RTSP's other registered port: go2rtc, MediaMTX, Wyze bridges, cameras made of a Pi"},
	{8000, false, "ONVIF of Reolink"},
	{8080, false, "ONVIF or web where port 80 is taken"},
	{8899, false, "ONVIF of Xiongmai and the many brands made of its boards"},
	{2020, false, "ONVIF of TP-Link's Tapo and VIGI"},
	{5000, false, "ONVIF of Yoosee and Sricam"},
	{10554, true, "RTSP of VStarcam and its relatives"},
	{10080, false, "ONVIF of VStarcam and its relatives"},
	{7070, true, "RTSP from the days of RealServer, still found where 554 is taken"},
	{88, true, "Foscam: RTSP and web on one port"},
	{888, false, "ONVIF of Foscam"},
	{7447, true, "RTSP of Ubiquiti's UniFi Protect, for the cameras behind it"},
}

// DoorPorts are the ports of Doors.
func DoorPorts() (ports []int) {
	for _, d := range Doors {
		ports = append(ports, d.Port)
	}
	return ports
}
