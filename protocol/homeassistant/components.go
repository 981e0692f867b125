package homeassistant

import "strings"

// Component is one entity of the device message, as its platform's schema has it.
type Component struct {
	Platform    string   `json:"platform"`
	UniqueID    string   `json:"unique_id,omitempty"`
	Name        string   `json:"name,omitempty"`
	DeviceClass string   `json:"device_class,omitempty"`
	StateClass  string   `json:"state_class,omitempty"`
	Unit        string   `json:"unit_of_measurement,omitempty"`
	Options     []string `json:"options,omitempty"`
	Category    string   `json:"entity_category,omitempty"`
	Icon        string   `json:"icon,omitempty"`
	// Value is a template that reads the state. It names a place in it and does nothing else.
	Value string `json:"value_template,omitempty"`
	On    string `json:"payload_on,omitempty"`
	Off   string `json:"payload_off,omitempty"`

	AttributesTopic string `json:"json_attributes_topic,omitempty"`
	Attributes      string `json:"json_attributes_template,omitempty"`

	// QoS stands in every entity: documented as shared, it is not taken over from the device message by
	// every version, and an order must not be lost.
	QoS int `json:"qos,omitempty"`

	CommandTopic string         `json:"command_topic,omitempty"`
	Press        string         `json:"payload_press,omitempty"`
	Retain       *bool          `json:"retain,omitempty"`
	Availability []availability `json:"availability,omitempty"`
}

const (
	sensor = "sensor"
	binary = "binary_sensor"
	button = "button"
)

// entity is one row of the table.
type entity struct {
	key, platform, name, class string
	// path is the place in the state.
	path string
	more func(*Component)
	// when it is there at all; nil: always.
	when func(House) bool
}

// entities is what every appliance has.
//
// Size budget: a table, read as a whole.
var entities = []entity{
	{key: "ready", platform: binary, name: "Ready", path: "ready", more: icon("mdi:shield-check")},
	{key: "not_ready_because", platform: sensor, name: "Not ready because", path: "why", more: icon("mdi:shield-alert")},
	{key: "fire", platform: binary, name: "Fire", class: "smoke", path: "fire"},
	{key: "agreeing", platform: sensor, name: "Cameras that see fire", path: "agreeing", more: measured("", "mdi:fire")},
	{key: "problem", platform: binary, name: "Problem", class: "problem", path: "problem"},
	{key: "alarms", platform: sensor, name: "Alarms", path: "alarms.standing", more: func(c *Component) {
		measured("", "mdi:bell-alert")(c)
		c.Attributes = "{{ value_json.alarms | tojson }}"
	}},
	{key: "worst_alarm", platform: sensor, name: "Worst alarm", path: "alarms.worst", more: icon("mdi:bell-alert")},

	{key: "state", platform: sensor, name: "Pump", class: "enum", path: "state", more: func(c *Component) { c.Options = states() }},
	{key: "engine", platform: binary, name: "Engine", class: "running", path: "engine"},
	{key: "main_valve", platform: binary, name: "Main valve", class: "opening", path: "main_valve", more: icon("mdi:valve")},
	{key: "refill_valve", platform: binary, name: "Refill valve", class: "opening", path: "refill_valve", more: icon("mdi:valve")},
	{key: "priming_valve", platform: binary, name: "Priming valve", class: "opening", path: "priming_valve", more: icon("mdi:valve")},
	{key: "rpm_reduced", platform: binary, name: "Speed reduced", path: "rpm_reduced", more: diagnostic},
	{key: "stop_held", platform: binary, name: "Emergency stop held", class: "problem", path: "stop_held"},
	{key: "trigger_remembered", platform: binary, name: "Fire waits for refill", path: "trigger_remembered", more: icon("mdi:timer-sand")},
	{key: "run", platform: sensor, name: "Engine time of this run", class: "duration", path: "run_seconds", more: measured("s", "")},
	{key: "engine_time", platform: sensor, name: "Engine time ever", class: "duration", path: "engine_seconds", more: func(c *Component) {
		c.Unit, c.StateClass = "s", "total_increasing"
	}},
	{key: "refill_owed", platform: sensor, name: "Refill owed", class: "duration", path: "refill_owed_seconds", more: measured("s", "")},
	{key: "lockout", platform: sensor, name: "Lockout", class: "duration", path: "lockout_seconds", more: measured("s", "")},

	{key: "tank_full", platform: binary, name: "Tank full", path: "tank_full", more: icon("mdi:water-check"),
		when: func(h House) bool { return h.Tank }},
	{key: "line_pressure", platform: binary, name: "Line pressure", path: "line_pressure", more: icon("mdi:gauge"),
		when: func(h House) bool { return h.Pressure }},
	{key: "flow", platform: binary, name: "Water flows", class: "running", path: "flow", more: icon("mdi:waves-arrow-right"),
		when: func(h House) bool { return h.Flow }},

	{key: "cameras_online", platform: sensor, name: "Cameras online", path: "cameras_online", more: measured("", "mdi:cctv")},
	{key: "cameras_known", platform: sensor, name: "Cameras known", path: "cameras_known", more: measured("", "mdi:cctv")},
	{key: "nvr", platform: binary, name: "NVR", class: "running", path: "nvr", more: diagnostic},
	{key: "simulated", platform: binary, name: "Board is simulated", class: "problem", path: "simulated", more: diagnostic},
}

// orders are the buttons. There is no other way to order anything from Home Assistant.
var orders = []struct{ key, name, word, icon string }{
	{"stop", "Emergency stop", "stop", "mdi:stop-circle"},
	{"reset", "Reset", "reset", "mdi:restart-alert"},
	{"start", "Emergency start", "start", "mdi:water-pump"},
}

// start is the one order that is offered only where it is asked for.
const start = "start"

func icon(name string) func(*Component) { return func(c *Component) { c.Icon = name } }

func diagnostic(c *Component) { c.Category = "diagnostic" }

func measured(unit, icon string) func(*Component) {
	return func(c *Component) { c.Unit, c.Icon, c.StateClass = unit, icon, "measurement" }
}

// value is a template that reads one place of the state.
func value(path string) string { return "{{ value_json." + path + " }}" }

// Components are the entities of a house by their keys. Those that are gone have a platform alone, which
// takes them away (discovery.py).
func (h House) Components() map[string]Component {
	all := make(map[string]Component)
	add := func(key string, c Component) {
		c.UniqueID, c.QoS = h.ID+"_"+key, 1
		if c.Platform == binary {
			c.On, c.Off = "True", "False" // as a template writes JSON's
		}
		all[key] = c
	}
	for _, e := range entities {
		if e.when != nil && !e.when(h) {
			continue
		}
		c := Component{Platform: e.platform, Name: e.name, DeviceClass: e.class, Value: value(e.path)}
		if e.more != nil {
			e.more(&c)
		}
		if c.Attributes != "" {
			c.AttributesTopic = h.State
		}
		add(e.key, c)
	}
	for _, camera := range h.Cameras[:min(len(h.Cameras), MaxCameras)] {
		title := camera.Title
		if title == "" {
			title = camera.Name
		}
		key := CameraKey(camera.Name)
		add(key, Component{Platform: binary, Name: "Camera " + clip(title, maxName), DeviceClass: "connectivity",
			Value: value("cameras." + key), Category: "diagnostic"})
	}
	for _, o := range orders {
		if o.key == start && !h.StartButton {
			all[o.key] = Component{Platform: button} // it may have been offered before
			continue
		}
		never := false
		add(o.key, Component{Platform: button, Name: o.name, CommandTopic: h.Emergency, Press: o.word, Icon: o.icon,
			Retain: &never, Availability: alive(h.Alive)})
	}
	for _, key := range h.Gone {
		if _, there := all[key]; !there && strings.HasPrefix(key, cameraKey) {
			all[key] = Component{Platform: binary}
		}
	}
	return all
}

// cameraKey begins the key of every camera, so that none can be another entity's, or a word of Jinja's.
const cameraKey = "camera_"

// CameraKey is a camera's key in the device message and in the state. A dash would be a minus in a
// template.
func CameraKey(name string) string { return cameraKey + slug(name, false) }
