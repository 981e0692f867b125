package command

import (
	"io"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLog writes to w. Each kind of actor logs under its own name, and levels holds a level for some
// of the names; the others use base.
func newLog(w io.Writer, base string, levels map[string]string) *zap.Logger {
	c := leveled{now: new(atomic.Pointer[levelSet])}
	c.now.Store(levelsOf(base, levels))
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339TimeEncoder
	encoding.EncodeLevel = zapcore.CapitalLevelEncoder
	encoding.ConsoleSeparator = " "
	c.Core = zapcore.NewCore(zapcore.NewConsoleEncoder(encoding), zapcore.Lock(zapcore.AddSync(w)), zapcore.DebugLevel)
	return zap.New(c)
}

// relevel gives a log of newLog's, and all that were made of it, other levels.
func relevel(log *zap.Logger, base string, levels map[string]string) {
	if c, ok := log.Core().(leveled); ok {
		c.now.Store(levelsOf(base, levels))
	}
}

// levelSet is a level for some logger names, and one for the others.
type levelSet struct {
	base   zapcore.Level
	levels map[string]zapcore.Level
}

func levelsOf(base string, levels map[string]string) *levelSet {
	s := &levelSet{base: levelOf(base, zapcore.InfoLevel), levels: map[string]zapcore.Level{}}
	for name, level := range levels {
		if level != "" {
			s.levels[name] = levelOf(level, s.base)
		}
	}
	return s
}

func levelOf(word string, otherwise zapcore.Level) zapcore.Level {
	if l, err := zapcore.ParseLevel(word); err == nil {
		return l
	}
	return otherwise
}

// leveled is a core with a level for each logger name.
type leveled struct {
	zapcore.Core
	now *atomic.Pointer[levelSet]
}

func (c leveled) Enabled(l zapcore.Level) bool {
	set := c.now.Load()
	for _, own := range set.levels {
		if own.Enabled(l) {
			return true
		}
	}
	return set.base.Enabled(l)
}

func (c leveled) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	kind, _, _ := strings.Cut(e.LoggerName, ".")
	set := c.now.Load()
	level, ok := set.levels[kind]
	if !ok {
		level = set.base
	}
	if level.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c leveled) With(fields []zapcore.Field) zapcore.Core {
	c.Core = c.Core.With(fields)
	return c
}
