package stage

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"net/http"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// chart is what a camera measured: a fire that grows if it is said to grow.
func (s *Stage) chart(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	s.mu.Lock()
	i := slices.IndexFunc(s.now.Cameras, func(c protocol.CameraLine) bool { return c.Name == name })
	var c protocol.CameraLine
	if i >= 0 {
		c = s.now.Cameras[i]
	}
	s.mu.Unlock()
	if i < 0 {
		answer(w, http.StatusNotFound, map[string]any{"error": "no such camera"})
		return
	}
	now := unix(time.Now())
	chart := protocol.Chart{Camera: name, At: now, Window: 30, Hold: 10, Ratio: 1.2, MinArea: 0.001, MaxArea: 0.8, Objects: []protocol.ChartTrack{}}
	for n, id := range c.Objects {
		chart.Objects = append(chart.Objects, track(id, "fire", now, 0.012, 1.9+float64(n), c.Growing))
	}
	if len(c.Objects) > 0 {
		chart.Objects = append(chart.Objects, track("1764225333.1-p7q", "smoke", now, 0.02, 1.04, false))
	}
	answer(w, http.StatusOK, chart)
}

func track(id, label string, now, from, grows float64, growing bool) protocol.ChartTrack {
	t := protocol.ChartTrack{ID: id, Label: label, Growing: growing}
	const n = 30
	if !growing {
		grows = min(grows, 1.12)
	}
	for k := range n {
		x := float64(k) / (n - 1)
		t.Points = append(t.Points, [2]float64{now - 29 + 29*x, from * math.Pow(grows, x) * (1 + 0.05*math.Sin(7*x*math.Pi))})
	}
	median := func(of [][2]float64) float64 {
		areas := make([]float64, 0, len(of))
		for _, p := range of {
			areas = append(areas, p[1])
		}
		slices.Sort(areas)
		return (areas[(len(areas)-1)/2] + areas[len(areas)/2]) / 2
	}
	t.Earlier, t.Later = median(t.Points[:n/2]), median(t.Points[n/2:])
	if growing {
		t.Since = now - 14
	}
	return t
}

// snapshot is a hill at dusk.
func (s *Stage) snapshot(w http.ResponseWriter, _ *http.Request) {
	const width, height = 640, 360
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			ridge := 200 + 40*math.Sin(float64(x)/90) + 14*math.Sin(float64(x)/23)
			near := 275 + 22*math.Sin(float64(x)/60+2)
			c := color.RGBA{uint8(70 + y/3), uint8(90 + y/4), uint8(130 + y/8), 255}
			switch {
			case float64(y) > near:
				c = color.RGBA{22, 34, 26, 255}
			case float64(y) > ridge:
				c = color.RGBA{44, 60, 52, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, m, nil)
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(out.Bytes())
}
