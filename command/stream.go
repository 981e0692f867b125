package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"wildfire-watch/protocol"
)

// quietLimit is how long a stream may say nothing, not even a comment, before it is opened anew.
const quietLimit = 30 * time.Second

// stream hands on each overview that the program sends, until the context ends or the connection does.
// It always returns an error.
func (c *client) stream(ctx context.Context, hear func(protocol.Overview)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(askPatience, func() { cancel(context.DeadlineExceeded) })
	defer quiet.Stop()
	response, err := c.send(ctx, http.MethodGet, "/api/stream", nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return c.refusal(response.StatusCode, "/api/stream", nil)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, mostAnswer)
	var kind string
	var data []byte
	for lines.Scan() {
		quiet.Reset(quietLimit)
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(lines.Bytes()) == 0:
			if err := takeOverview(kind, data, hear); err != nil {
				return err
			}
			kind, data = "", nil
		case string(name) == "event":
			kind = string(value)
		case string(name) == "data" && len(data)+len(value) <= mostAnswer:
			data = append(append(data, value...), '\n')
		}
	}
	if err = lines.Err(); err == nil {
		err = errors.New("the connection was closed")
	}
	return unreachable{c.where, err}
}

// takeOverview reads one event; those of other kinds are for others.
func takeOverview(kind string, data []byte, hear func(protocol.Overview)) error {
	if len(data) == 0 || kind != "" && kind != "message" && kind != "overview" {
		return nil
	}
	var o protocol.Overview
	if err := json.Unmarshal(data, &o); err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	hear(o)
	return nil
}
