package command

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/broker"
	"wildfire-watch/guard"
	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
	"wildfire-watch/web"
	"wildfire-watch/web/metrics"
)

// house is everything that `run` and `demo` start.
type house struct {
	config    system.Config
	board     hardware.Board
	store     *journal.Store
	broker    *broker.Broker
	system    *system.System
	page      *web.Page
	tally     metrics.Tally
	reader    *reader       // reads the settings anew; nil: nobody does
	whole     chan struct{} // closed when everything is there
	addresses addresses
}

// addresses are what run.json tells (SPEC §6): port 0 is allowed, these are the ports chosen.
type addresses struct {
	PID     int    `json:"pid"`
	MQTT    string `json:"mqtt"`
	MQTTS   string `json:"mqtts,omitempty"` // the embedded broker's address with TLS
	HTTP    string `json:"http"`
	Socket  string `json:"socket"`
	Version string `json:"version"`
	Started string `json:"started"`
	// Reload says that SIGHUP has the settings read anew; it ends a program of before.
	Reload bool `json:"reload"`
}

// outside is who hears of a house from beyond it. The zero value is nobody.
type outside struct {
	tap    func(msg any) // sees every message
	vitals system.Vitals
	// prepared is called before an output can be asked for.
	prepared func()
	exit     func(code int) // ends the process after a trip
	// reader reads the settings anew; nil: nobody does. hangups says that SIGHUP asks it to.
	reader  *reader
	hangups bool
	// network goes out to look for cameras; nil: nobody does. A demo must not.
	network discovery.Network
}

// open starts journal, broker, system and page on a board whose outputs are inactive, in this order:
// nothing can ask for an output before. The journal's folder is claimed: no second program on one
// journal touches a line.
func open(c system.Config, folder *journal.Folder, board hardware.Board, log *zap.Logger, o outside) (*house, error) {
	h := &house{config: c, board: board, reader: o.reader, whole: make(chan struct{}), addresses: addresses{Reload: o.hangups}}
	if h.reader != nil {
		h.reader.house = h
	}
	store, recovered, err := journal.OpenClaimed(c.Journal, folder)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	h.store = store
	var dial bridge.Dial
	h.addresses.MQTT = c.MQTT.URL
	if c.MQTT.URL == "" {
		if h.broker, err = broker.Open(brokerSettings(c, log.Named("broker"))); err != nil {
			if !recovered.SafeMode {
				return nil, err
			}
			log.Error("safe mode goes on without a broker", zap.Error(err)) // buttons need none
			h.addresses.MQTT = ""
		} else {
			dial, h.addresses.MQTT = h.broker.Dial, "tcp://"+h.broker.Addr
		}
	}
	if o.prepared != nil {
		o.prepared()
	}
	h.system, err = system.Start(system.Parts{
		Config: c, Board: h.board, Store: store, Recovered: recovered, Version: version,
		Log: log, Dial: dial, Tap: h.counted(o.tap), Vitals: o.vitals, Exit: o.exit,
		NoBridge: c.MQTT.URL == "" && h.broker == nil, Users: h.changeUsers, AskKernel: !guard.Confined(),
		Network: o.network, Makers: cameraMaker, CameraYAML: cameraYAML,
	})
	if err != nil {
		return nil, err
	}
	if h.broker != nil {
		h.broker.Tell(h.system.Publish)
	}
	h.openPage(log)
	if h.broker != nil && h.broker.TLSAddr != "" {
		h.addresses.MQTTS = "ssl://" + h.broker.TLSAddr
	}
	h.addresses.PID, h.addresses.Version = os.Getpid(), version
	h.addresses.Started = time.Now().UTC().Format(time.RFC3339)
	if err := journal.WriteRun(c.Journal.Dir, h.addresses); err != nil {
		log.Warn("run.json", zap.Error(err))
	}
	close(h.whole)
	return h, nil
}

// changeUsers tells broker and page who may come from now on.
func (h *house) changeUsers(c system.Config) {
	if h.broker != nil {
		h.broker.ChangeUsers(c.Broker.Users())
	}
	if h.page != nil {
		h.page.ChangeUsers(c.HTTP.Users)
	}
}

// counted has every message counted for /metrics before it is heard.
func (h *house) counted(hear func(msg any)) func(msg any) {
	return func(msg any) {
		h.tally.Hear(msg)
		if hear != nil {
			hear(msg)
		}
	}
}

// brokerSettings are what the embedded broker is made of.
func brokerSettings(c system.Config, log *zap.Logger) broker.Settings {
	return broker.Settings{Listen: c.Broker.Listen, TLSListen: c.Broker.TLSListen, CertFile: c.Broker.CertFile,
		KeyFile: c.Broker.KeyFile, ClientCAFile: c.Broker.ClientCAFile, Users: c.Broker.Users(),
		Prefixes: protocol.Prefixes{Ours: c.MQTT.TopicPrefix, Frigate: c.Frigate.TopicPrefix}, Log: log}
}
