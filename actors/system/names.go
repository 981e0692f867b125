package system

import (
	"path/filepath"

	"wildfire-watch/actors/camera"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/frigate"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/detection"
)

// FrigateSettings are what the frigate actor is made of.
func FrigateSettings(c Config) frigate.Settings {
	sizes := make(map[string]string)
	for name, known := range c.Cameras.Known {
		sizes[name] = known.Detect
	}
	return frigate.Settings{Config: c.Frigate, Labels: c.Growth.Labels, DetectSizes: sizes,
		MaxCameras: c.Growth.MaxCameras, MaxObjects: c.Growth.MaxObjects}
}

// DetectSize tells the size of a camera's detect stream as the configuration has it, by any of the
// camera's names.
func DetectSize(c Config) detection.Frame {
	names := camera.NewRegistry(c.Growth, c.Cameras.Known)
	return func(name string) (width, height int) {
		if canonical, ok := names.Canonical(name); ok {
			width, height, _ = camera.ParseSize(c.Cameras.Known[canonical].Detect)
		}
		return width, height
	}
}

// ledgerFile is where discovery keeps what logins it has tried on whom, in journal.dir.
const ledgerFile = "logins-tried.json"

// DiscoverySettings are what the discovery actor is made of, apart from what only a house that runs has:
// Network, YAML, Maker, Clock, Log.
func DiscoverySettings(c Config) discovery.Settings {
	names := make(map[string]string)
	for name, known := range c.Cameras.Known {
		if mac, ok := protocol.ParseMAC(known.MAC); ok {
			names[mac] = name
		}
	}
	return discovery.Settings{Config: c.Discovery, MaxCameras: c.Growth.MaxCameras,
		CameraTimeout: c.Growth.Timeout, Names: names,
		LedgerFile: filepath.Join(c.Journal.Dir, ledgerFile)}
}
