package command

import (
	"go.uber.org/zap"

	"wildfire-watch/protocol"
	"wildfire-watch/web"
	"wildfire-watch/web/metrics"
)

// openPage serves page and socket. Without them the pump goes on, and says so.
func (h *house) openPage(log *zap.Logger) {
	c := h.config
	var err error
	h.page, err = web.Open(web.Settings{Config: c.HTTP, Dir: c.Journal.Dir, Frigate: c.Frigate.API, Log: log.Named("web"),
		Metrics: metrics.Handler(metered{h.system}, &h.tally, version), Reload: h.reread()}, h.system)
	if err != nil {
		log.Warn("the page", zap.Error(err))
		h.system.Publish(protocol.Fault{Code: "page", Text: err.Error()})
	}
	if h.page != nil {
		h.addresses.HTTP, h.addresses.Socket = h.page.URL(), h.page.Socket()
	}
}

// reread is what reads the settings anew; nil: this house cannot, its settings are no file's.
func (h *house) reread() func() protocol.SettingsOutcome {
	if h.reader == nil {
		return nil
	}
	return func() protocol.SettingsOutcome {
		<-h.whole // the page answers before it is
		return h.reader.reload()
	}
}
