package homeassistant

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// ridge is a house with everything that there can be.
func ridge() House {
	h := House{ID: IDOf("wildfire-watch", "site7"), Prefix: "homeassistant", Site: "Ridge", Version: "1.2", State: "site7/system/state",
		Alive: "site7/system/gpio_trigger/lwt", Told: "site7/system/telemetry/lwt", Emergency: "site7/fire/emergency",
		StartButton: true, Tank: true, Pressure: true, Flow: true,
		Cameras: []Camera{{Name: "north"}, {Name: "Back Door/2", Title: "Back door"}, {Name: "aa:bb:cc:00:11:22"}},
		Gone:    []string{CameraKey("old"), "stop", "made up"}}
	return h
}

// schema is what Home Assistant's core takes for a key: homeassistant/components/mqtt/schemas.py and the
// platform's own file, PLATFORM_SCHEMA_MODERN. Keys that are not listed are no keys of the platform (the
// core would drop them unseen). These are the ones that we use, and the core's rules for them.
type schema struct{ required, optional []string }

var (
	common = []string{"platform", "unique_id", "name", "device_class", "entity_category", "icon", "availability",
		"availability_mode", "json_attributes_topic", "json_attributes_template", "enabled_by_default", "qos"}
	platforms = map[string]schema{
		"sensor":        {nil, []string{"state_class", "unit_of_measurement", "options", "value_template", "expire_after", "state_topic"}},
		"binary_sensor": {nil, []string{"payload_on", "payload_off", "value_template", "expire_after", "off_delay", "state_topic"}},
		"button":        {[]string{"command_topic"}, []string{"payload_press", "command_template", "retain"}},
	}
	// classes are the platforms' device classes (sensor/const.py, binary_sensor/const.py, button), a
	// sensor's with the units that it may have.
	binaryClasses = strings.Fields(`battery battery_charging carbon_monoxide cold connectivity door garage_door gas glass_break heat
		light lock moisture motion moving occupancy opening plug power presence problem running safety smoke sound tamper update
		vibration window`)
	sensorClasses = map[string][]string{"duration": {"d", "h", "min", "s", "ms"}, "enum": {""}, "temperature": {"°C", "°F", "K"},
		"timestamp": {""}, "data_size": {"B", "kB", "MB", "GB"}}
	stateClasses = []string{"", "measurement", "total", "total_increasing"}
)

func decode(t testing.TB, payload []byte) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal(payload, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheDeviceMessageKeepsToTheCoresSchema(t *testing.T) {
	h := ridge()
	m := decode(t, h.Payload())
	if got, want := slices.Sorted(maps.Keys(m)), []string{"availability", "availability_mode", "components", "device", "origin", "state_topic"}; !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want) // DEVICE_DISCOVERY_SCHEMA
	}
	dev, org := m["device"].(map[string]any), m["origin"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(dev)) { // MQTT_ENTITY_DEVICE_INFO_SCHEMA
		if !slices.Contains([]string{"identifiers", "name", "manufacturer", "model", "sw_version"}, key) {
			t.Errorf("device has %s", key)
		}
	}
	if ids := dev["identifiers"].([]any); len(ids) != 1 || ids[0] != h.ID {
		t.Errorf("identifiers %v", ids)
	}
	if org["name"] != "wildfire-watch" || org["sw_version"] != "1.2" { // name is required
		t.Errorf("origin %v", org)
	}
	if m["availability_mode"] != "all" || len(m["availability"].([]any)) != 2 { // all, any or latest
		t.Errorf("availability %v", m["availability"])
	}
	// TOPIC_MATCHER of discovery.py
	if !regexp.MustCompile(`^homeassistant/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config$`).MatchString(h.Topic()) {
		t.Errorf("topic %s", h.Topic())
	}
}

func TestEveryComponentKeepsToItsPlatformsSchema(t *testing.T) {
	h := ridge()
	components := decode(t, h.Payload())["components"].(map[string]any)
	unique, names := make(map[string]bool), make(map[string]bool)
	for key, raw := range components {
		c := raw.(map[string]any)
		p, known := platforms[c["platform"].(string)]
		if !known {
			t.Errorf("%s: platform %v", key, c["platform"])
		}
		if len(c) == 1 {
			if key != CameraKey("old") {
				t.Errorf("%s is taken away", key)
			}
			continue
		}
		if c["qos"] != 1.0 { // not every version's SHARED_OPTIONS has it: none is lost, an order least of all
			t.Errorf("%s: QoS %v", key, c["qos"])
		}
		for k := range c {
			if !slices.Contains(common, k) && !slices.Contains(p.required, k) && !slices.Contains(p.optional, k) {
				t.Errorf("%s: %s is no key of %s", key, k, c["platform"])
			}
		}
		for _, k := range append([]string{"unique_id", "name"}, p.required...) { // unique_id: required with a device
			if c[k] == nil || c[k] == "" {
				t.Errorf("%s has no %s", key, k)
			}
		}
		if id, name := c["unique_id"].(string), c["name"].(string); unique[id] || names[name] || !strings.HasPrefix(id, h.ID) {
			t.Errorf("%s: id %q or name %q twice, or a foreign id", key, id, name)
		} else {
			unique[id], names[name] = true, true
		}
		if i, has := c["icon"]; has && !strings.HasPrefix(i.(string), "mdi:") { // cv.icon
			t.Errorf("%s: icon %v", key, i)
		}
		if e := c["entity_category"]; e != nil && e != "diagnostic" { // config is for what can be set
			t.Errorf("%s: category %v", key, e)
		}
		if !regexp.MustCompile(`^[a-z0-9_-]+$`).MatchString(key) {
			t.Errorf("key %q", key)
		}
		classed(t, key, c)
	}
	if len(components) != len(entities)+len(orders)+4 {
		t.Errorf("%d components", len(components))
	}
}

// classed checks device class, unit, state class and options against each other: sensor.py's
// validate_sensor_state_and_device_class_config, and the lists of the platforms.
func classed(t *testing.T, key string, c map[string]any) {
	t.Helper()
	text := func(k string) string { s, _ := c[k].(string); return s }
	class, unit, options := text("device_class"), text("unit_of_measurement"), c["options"]
	switch c["platform"] {
	case "binary_sensor":
		if class != "" && !slices.Contains(binaryClasses, class) {
			t.Errorf("%s: class %q", key, class)
		}
		if text("payload_on") == text("payload_off") {
			t.Errorf("%s: on is off", key)
		}
	case "sensor":
		units, known := sensorClasses[class]
		if class != "" && (!known || !slices.Contains(units, unit)) {
			t.Errorf("%s: class %q has no unit %q", key, class, unit)
		}
		if !slices.Contains(stateClasses, text("state_class")) || (options != nil) != (class == "enum") ||
			options != nil && (len(options.([]any)) == 0 || text("state_class") != "" || unit != "") {
			t.Errorf("%s: options %v of class %q with state class %q", key, options, class, text("state_class"))
		}
	case "button":
		if class != "" || c["retain"] != false || text("command_topic") != ridge().Emergency ||
			len(c["availability"].([]any)) != 1 {
			t.Errorf("%s: %v", key, c)
		}
		if _, ok := protocol.ParseCommand(text("payload_press")); !ok {
			t.Errorf("%s: %q is no order", key, text("payload_press"))
		}
	}
}

func TestStartIsOfferedOnlyWhereItIsAskedFor(t *testing.T) {
	h := ridge()
	h.StartButton = false
	if c := h.Components()["start"]; c.Platform != "button" || c.CommandTopic != "" || c.Press != "" {
		t.Errorf("offered: %+v", c)
	}
	if strings.Contains(string(h.Payload()), `"payload_press":"start"`) {
		t.Error("the word start is in the message")
	}
	for _, key := range []string{"stop", "reset"} {
		if h.Components()[key].CommandTopic == "" {
			t.Errorf("no %s", key)
		}
	}
}

func TestInputsThatAreNotFittedAreNoEntities(t *testing.T) {
	h := ridge()
	h.Tank, h.Pressure, h.Flow = false, false, false
	for _, key := range []string{"tank_full", "line_pressure", "flow"} {
		if _, there := h.Components()[key]; there {
			t.Errorf("there is %s", key)
		}
	}
}

func TestIdsAreStableAndNeverMeet(t *testing.T) {
	for in, want := range map[string]string{"north": "camera_north", "Back Door/2": "camera_back_door_2_69912ee7", "a_b": "camera_a_b", "cam2": "camera_cam2"} {
		if got := CameraKey(in); got != want {
			t.Errorf("%q: %q, want %q: entities of people would be lost", in, got, want)
		}
	}
	if got := IDOf("wildfire-watch", ""); got != "wildfire-watch" {
		t.Error(got)
	}
	seen := make(map[string]string)
	for _, name := range []string{"a-b", "a_b", "A-B", "a b", "A_b", "a/b", "", "_", "ä", "ö", strings.Repeat("x", 41), strings.Repeat("x", 42)} {
		key := CameraKey(name)
		if other, met := seen[key]; met || !regexp.MustCompile(`^camera_[a-z0-9_]{1,50}$`).MatchString(key) {
			t.Errorf("%q is %s, as is %q", name, key, other)
		}
		seen[key] = name
	}
	if IDOf("a", "b") == IDOf("a_b", "") {
		t.Error("two appliances are one device")
	}
}

func TestTheMessagesAreBoundedWhateverTheHouseLooksLike(t *testing.T) {
	h, o := ridge(), protocol.Overview{}
	h.Site, h.Version, h.Cameras = strings.Repeat("ü\xff", 5000), strings.Repeat("v", 5000), nil
	for i := range 3000 {
		name := fmt.Sprintf("camera %05d %s", i, strings.Repeat("\"<", 200))
		h.Cameras = append(h.Cameras, Camera{Name: name, Title: name})
		o.Cameras = append(o.Cameras, protocol.CameraLine{Name: name, Online: true})
		o.Alarms = append(o.Alarms, protocol.Standing{Code: "x", Subject: name, Title: strings.Repeat("ä", 1000), Text: name,
			Severity: protocol.SeverityTrouble, Active: true})
	}
	o.Ready.Why = []string{strings.Repeat("ä", 1000)}
	s := StateOf(o)
	if n := len(h.Payload()); n > 100<<10 {
		t.Errorf("device message of %d bytes", n)
	}
	if n := len(s.Payload()); n > 32<<10 {
		t.Errorf("state of %d bytes", n)
	}
	if len(s.Cameras) != MaxCameras || s.CamerasOnline != 3000 || s.Alarms.Standing != 3000 || len(s.Alarms.Texts) != MaxListed {
		t.Errorf("%d cameras, %d online, %d alarms, %d texts", len(s.Cameras), s.CamerasOnline, s.Alarms.Standing, len(s.Alarms.Texts))
	}
	for _, text := range []string{s.Why, s.Alarms.Worst} {
		if utf8.RuneCountInString(text) > 255 {
			t.Errorf("a text of %d characters", utf8.RuneCountInString(text))
		}
	}
}
