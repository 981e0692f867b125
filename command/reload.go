package command

import (
	"os"
	"slices"

	"go.uber.org/zap"

	"wildfire-watch/actors/system"
	"wildfire-watch/protocol"
)

// reader reads the configuration of a house anew: the same file and the same --set as at its start.
type reader struct {
	t     *terminal
	of    settings
	board string // that the house runs on: "auto" is not chosen again
	auto  bool
	house *house
	log   *zap.Logger
}

// reload takes up what has changed, and tells it. A configuration with mistakes changes nothing.
func (r *reader) reload() protocol.SettingsOutcome {
	sets := slices.Clone(r.of.Set)
	if r.auto {
		sets = append(sets, "gpio.board="+r.board)
	}
	c, mistakes, err := system.Load(r.t.defaults, r.of.Config, sets)
	if err != nil || system.Wrong(mistakes) {
		o := r.house.system.Refuse(mistakes, err)
		r.log.Error("the configuration is not used; nothing has changed", zap.Strings("mistakes", o.Mistakes))
		return o
	}
	o := r.house.system.Reload(c)
	relevel(r.log, c.Log.Level, c.Log.Levels())
	r.log.Info("settings read anew", zap.Strings("applied", o.Applied), zap.Strings("restart", o.Restart),
		zap.Any("refused", o.Refused))
	return o
}

// follow reads the settings anew at each signal, one after the other, until the channel is closed.
func (r *reader) follow(hangups <-chan os.Signal) {
	for range hangups {
		r.reload()
	}
}
