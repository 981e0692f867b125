package frigatepeer

import (
	"encoding/json"
	"time"
)

// What the messages look like: field names are Frigate's.

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// event writes one message of frigate/events.
func (p *Peer) event(kind string, o *object) []byte {
	before := o.toldState
	if kind == "new" {
		before = o.before
	}
	return written(map[string]any{"type": kind, "before": p.state(o, before, kind == "new", false),
		"after": p.state(o, o.now, false, kind == "end")})
}

func (p *Peer) state(o *object, s state, falsePositive, ended bool) map[string]any {
	d := map[string]any{
		"id": o.id, "camera": o.fire.Camera, "frame_time": seconds(s.at), "label": o.fire.Label,
		"sub_label": nil, "top_score": o.fire.Score, "false_positive": falsePositive,
		"start_time": seconds(p.start.Add(o.fire.Begins)), "end_time": nil, "score": s.score,
		"box": s.box, "area": s.area(), "ratio": 1.0, "region": []int{0, 0, 320, 320},
		"stationary": false, "motionless_count": 0, "position_changes": 1,
		"current_zones": []string{}, "entered_zones": []string{}, "has_clip": true,
		"has_snapshot": true, "attributes": map[string]any{}, "current_attributes": []any{},
		"snapshot": map[string]any{"frame_time": seconds(s.at), "box": s.box, "area": s.area(),
			"region": []int{0, 0, 320, 320}, "score": s.score, "attributes": []any{}},
	}
	if ended {
		d["end_time"] = seconds(s.at.Add(lostAfter))
	}
	if p.scenario.Release >= Release016 {
		d["active"], d["pending_loitering"], d["max_severity"] = true, false, "detection"
		d["current_estimated_speed"], d["average_estimated_speed"], d["velocity_angle"] = 0, 0, 0
		d["path_data"], d["recognized_license_plate"] = []any{}, nil
	}
	return d
}

// activity writes an answer on frigate/camera_activity: every camera, its sure objects as last
// seen.
func (p *Peer) activity() []byte {
	all := map[string]any{}
	for name := range p.cameras {
		objects := []any{}
		for _, o := range p.tracked {
			if o.fire.Camera == name && o.frames >= sure && !o.ended {
				objects = append(objects, map[string]any{"id": o.id, "label": o.fire.Label,
					"stationary": false, "area": o.now.area(), "ratio": 1.0, "score": o.now.score,
					"sub_label": nil, "current_zones": []string{}})
			}
		}
		all[name] = map[string]any{"motion": len(objects) > 0, "objects": objects,
			"config": map[string]any{"detect": true, "enabled": true, "snapshots": true,
				"record": true, "audio": false, "autotracking": false}}
	}
	return written(all)
}

// Config is the body of /api/config, as far as it matters.
func (p *Peer) Config() []byte {
	cameras := map[string]any{}
	for name, c := range p.cameras {
		cameras[name] = map[string]any{"name": name, "detect": map[string]any{"enabled": true,
			"width": c.Width, "height": c.Height, "fps": int(time.Second / frame)}}
	}
	return written(map[string]any{"cameras": cameras,
		"mqtt": map[string]any{"topic_prefix": "frigate"}})
}

func written(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only maps of plain values come here
	}
	return b
}
