package broker

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logBridge hands the library's log lines to ours. Its chatter about clients that come and go is
// debug; what it warns of (a client's bad packet, a full queue) is a client's fault: debug too, or
// anybody who connects could fill the log. Ours and its errors keep their level.
type logBridge struct {
	log    *zap.Logger
	fields []zap.Field
}

func level(l slog.Level) zapcore.Level {
	if l >= slog.LevelError {
		return zapcore.WarnLevel
	}
	return zapcore.DebugLevel
}

// Enabled asks our logger.
func (b logBridge) Enabled(_ context.Context, l slog.Level) bool {
	return b.log.Core().Enabled(level(l))
}

// Handle writes one line.
func (b logBridge) Handle(_ context.Context, r slog.Record) error {
	fields := append([]zap.Field(nil), b.fields...)
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, field(a))
		return true
	})
	b.log.Log(level(r.Level), r.Message, fields...)
	return nil
}

// field never prints a packet: it is the library's largest structure and holds payloads.
func field(a slog.Attr) zap.Field {
	if a.Key == "packet" {
		return zap.Skip()
	}
	return zap.String(a.Key, a.Value.String())
}

// WithAttrs adds fields.
func (b logBridge) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := append([]zap.Field(nil), b.fields...)
	for _, a := range attrs {
		fields = append(fields, field(a))
	}
	return logBridge{b.log, fields}
}

// WithGroup is not used by the library.
func (b logBridge) WithGroup(string) slog.Handler { return b }
