package command

import (
	"go.uber.org/zap"

	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/system"
	"wildfire-watch/network"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/nvr"
	"wildfire-watch/protocol/oui"
)

// network is this machine's, for a house that looks for cameras.
func (c configured) network(log *zap.Logger) *network.Network {
	log = log.Named("network")
	return &network.Network{Links: c.Discovery.Interfaces, Trouble: func(link string, err error) {
		if err == nil {
			log.Info("listening again", zap.String("interface", link))
			return
		}
		log.Warn("cannot listen", zap.String("interface", link), zap.Error(err))
	}}
}

// cameraMaker names the maker behind a MAC, of those that make cameras and nothing else: a host of
// theirs may be a camera though it shows no sign of it.
func cameraMaker(mac string) string {
	if !oui.OnlyCameras(mac) {
		return ""
	}
	return oui.Maker(mac)
}

// cameraYAML makes Frigate's configuration for the cameras that discovery knows, by the settings of then.
func cameraYAML(c system.Config, found []discovery.Camera) ([]byte, error) {
	return nvr.Config(camerasForNVR(found), filters(c)), nil
}

// filters are what Frigate is to look for.
func filters(c system.Config) nvr.Filters {
	return nvr.Filters{Labels: c.Growth.Labels, MinConfidence: c.Growth.MinConfidence, MinArea: c.Growth.MinArea}
}

func camerasForNVR(found []discovery.Camera) (all []nvr.Camera) {
	for _, c := range found {
		all = append(all, nvr.Camera{Name: c.Name, Friendly: c.Title, MAC: c.MAC, IP: c.IP, Maker: c.Manufacturer,
			Model: c.Model, Streams: c.Streams, LoginVar: c.LoginID,
			HasLogin: c.Login != "" && c.Login != protocol.LoginNone})
	}
	return all
}
