package protocol

import "time"

// SettingsOutcome is what became of a configuration that was read while the program ran. Its JSON is the
// answer of POST /api/reload; it names keys, never values. Lists are never nil and sorted.
type SettingsOutcome struct {
	// Applied are the keys whose new values count from now on.
	Applied []string `json:"applied"`
	// Restart are the keys that differ and stay as they were until the program starts anew.
	Restart []string `json:"restart"`
	// Refused are the keys that could have been taken up at another time.
	Refused []SettingRefused `json:"refused"`
	// Mistakes are why nothing has changed; empty: the configuration could be used.
	Mistakes []string `json:"mistakes"`
}

// SettingRefused is a key and why its new value was not taken up.
type SettingRefused struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// SettingsChanged is what others than those whose settings they are show or count by. The system sends it
// when a changed configuration has been taken up; overview and alarms hear it.
type SettingsChanged struct {
	Threshold     int           // consensus.threshold
	CameraTimeout time.Duration // consensus.camera_timeout
	FireOffDelay  time.Duration // pump.fire_off_delay
}
