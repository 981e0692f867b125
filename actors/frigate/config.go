package frigate

import (
	"net/url"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Config is the [frigate] section.
type Config struct {
	// TopicPrefix is Frigate's mqtt.topic_prefix.
	TopicPrefix string `key:"topic_prefix" len:"1..64"`
	// API is Frigate's HTTP address, "http://192.168.1.10:5000"; empty: it is not asked.
	API string `key:"api" len:"0..256"`
	// AskInterval is how often Frigate is asked for its activity while a fire lives; 0: never.
	AskInterval time.Duration `key:"ask_interval" range:"0s..30s"`
}

// Check reports what a range cannot say.
func (c Config) Check() (wrong []protocol.Mistake) {
	prefix := c.TopicPrefix
	if prefix != strings.Trim(prefix, "/ ") || strings.ContainsAny(prefix, "+#\x00") {
		wrong = append(wrong, protocol.Mistake{Key: "topic_prefix", Value: prefix,
			Allowed: "a topic without + or #, not beginning or ending with /"})
	}
	if c.API != "" {
		u, err := url.Parse(c.API)
		switch {
		case strings.Contains(c.API, "@"): // never repeat a password
			wrong = append(wrong, protocol.Mistake{Key: "api", Value: "(hidden)",
				Allowed: "an address without a login; Frigate's own port 5000 needs none"})
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
			u.RawQuery != "":
			wrong = append(wrong, protocol.Mistake{Key: "api", Value: c.API,
				Allowed: `http://host:port or https://host:port, or empty`})
		}
	}
	if c.AskInterval > 0 && c.AskInterval < time.Second {
		wrong = append(wrong, protocol.Mistake{Key: "ask_interval", Value: c.AskInterval.String(),
			Allowed: "1s..30s, or 0", Warning: true})
	}
	return wrong
}
