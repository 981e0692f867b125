package test

import "wildfire-watch/actors/pump"

func init() {
	printed["states"] = func() (string, error) { return pump.Table(), nil }
	printed["diagram"] = func() (string, error) { return "```mermaid\n" + pump.Diagram() + "```", nil }
}
