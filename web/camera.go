package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// asChart is a camera's reply.
type asChart struct {
	chart protocol.Chart
	known bool
}

func (p *Page) chart(w http.ResponseWriter, req *http.Request, _ visitor) {
	reply := make(chan asChart, 1)
	p.source.Publish(protocol.ChartAsked{Camera: req.PathValue("name"), Reply: func(c protocol.Chart, ok bool) {
		select { // it runs inside the camera's actor
		case reply <- asChart{c, ok}:
		default:
		}
	}})
	got, ok := await(req, reply, p.limits.reply)
	switch {
	case !ok:
		refuse(w, http.StatusServiceUnavailable, "the camera's actor has not answered", "ask again")
	case !got.known:
		refuse(w, http.StatusNotFound, "no camera is named so", "take a name from the overview's cameras")
	default:
		say(w, http.StatusOK, got.chart)
	}
}

const (
	maxPicture = 2 << 20 // bytes
	maxLooks   = 4       // pictures fetched at once: 200 cameras on a page must not press on Frigate
)

// pictures is where pictures are had.
type pictures struct {
	client *http.Client
	looks  chan struct{}
}

// open makes a client that uses no proxy and follows nobody anywhere else.
func (s *pictures) open() {
	s.looks = make(chan struct{}, maxLooks)
	s.client = &http.Client{Transport: &http.Transport{MaxConnsPerHost: maxLooks, MaxIdleConns: maxLooks, IdleConnTimeout: idleTime},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *pictures) close() { s.client.CloseIdleConnections() }

// snapshot passes on Frigate's newest picture of a camera that is known.
func (p *Page) snapshot(w http.ResponseWriter, req *http.Request, _ visitor) {
	name := req.PathValue("name")
	o, _ := p.source.Overview()
	if !slices.ContainsFunc(o.Cameras, func(c protocol.CameraLine) bool { return c.Name == name }) {
		refuse(w, http.StatusNotFound, "no camera is named so", "take a name from the overview's cameras")
		return
	}
	if p.settings.Frigate == "" {
		refuse(w, http.StatusNotFound, "there is nobody to take pictures from", "set frigate.api")
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), p.limits.picture)
	defer cancel()
	picture, err := p.picture(ctx, name)
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error(), "look whether Frigate runs and knows the camera by this name")
		return
	}
	w.Header().Set("Content-Type", http.DetectContentType(picture))
	w.Header().Set("Content-Length", strconv.Itoa(len(picture)))
	_, _ = w.Write(picture)
}

func (p *Page) picture(ctx context.Context, name string) ([]byte, error) {
	select {
	case p.pictures.looks <- struct{}{}:
		defer func() { <-p.pictures.looks }()
	case <-ctx.Done():
		return nil, errors.New("too many pictures are being fetched")
	}
	address := strings.TrimRight(p.settings.Frigate, "/") + "/api/" + url.PathEscape(name) + "/latest.jpg?h=480&height=480"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch the picture of %s: %w", name, err)
	}
	response, err := p.pictures.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch the picture of %s: %w", name, errors.Unwrap(err)) // the cause without the URL
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the picture of %s: Frigate answers %d", name, response.StatusCode)
	}
	picture, err := io.ReadAll(io.LimitReader(response.Body, maxPicture+1))
	switch kind := http.DetectContentType(picture); {
	case err != nil:
		return nil, fmt.Errorf("fetch the picture of %s: %w", name, err)
	case len(picture) > maxPicture:
		return nil, fmt.Errorf("fetch the picture of %s: it is larger than %d bytes", name, maxPicture)
	case kind != "image/jpeg" && kind != "image/webp" && kind != "image/png":
		return nil, fmt.Errorf("fetch the picture of %s: what Frigate sent is no picture", name)
	}
	return picture, nil
}
