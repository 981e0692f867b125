package actors

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logFactory sends protoactor's own log lines to our logger, at debug level: what matters of them
// (panics, restarts) the guardian says itself.
func logFactory(log *zap.Logger) func(*actor.ActorSystem) *slog.Logger {
	return func(*actor.ActorSystem) *slog.Logger {
		return slog.New(logBridge{log.Named("protoactor")})
	}
}

type logBridge struct{ log *zap.Logger }

func (b logBridge) Enabled(context.Context, slog.Level) bool {
	return b.log.Core().Enabled(zapcore.DebugLevel)
}

func (b logBridge) Handle(_ context.Context, r slog.Record) error {
	fields := make([]zap.Field, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, zap.Any(a.Key, a.Value.Any()))
		return true
	})
	b.log.Debug(r.Message, fields...)
	return nil
}

func (b logBridge) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := make([]zap.Field, 0, len(attrs))
	for _, a := range attrs {
		fields = append(fields, zap.Any(a.Key, a.Value.Any()))
	}
	return logBridge{b.log.With(fields...)}
}

func (b logBridge) WithGroup(name string) slog.Handler { return logBridge{b.log.Named(name)} }
