package nvr

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What Frigate accepts, release by release, as far as we write it. Read in Frigate's own models: 0.14
// frigate/config.py, from 0.15 on frigate/config/camera/{camera,detect,ffmpeg,objects,record,review,
// snapshots}.py, which refuse a key that they do not know (pydantic, extra="forbid"); go2rtc's section
// is read by docker/main/rootfs/usr/local/go2rtc/create_config.py. Pydantic itself is not run here.

// rule is what may stand at a place.
type rule struct {
	kind   string // "map", "list", "text", "int", "float", "bool", "words"
	fields map[string]rule
	each   *rule // of a map with free keys, of a list
	words  []string
	form   *regexp.Regexp // of free keys, of a text
	needs  []string       // fields that must be there
}

var (
	boolean = rule{kind: "bool"}
	integer = rule{kind: "int"}
	float   = rule{kind: "float"}
	text    = rule{kind: "text"}
	texts   = rule{kind: "list", each: &text}
	enabled = map[string]rule{"enabled": boolean}
)

func fields(r map[string]rule, more ...map[string]rule) rule {
	all := maps.Clone(r)
	for _, m := range more {
		maps.Copy(all, m)
	}
	return rule{kind: "map", fields: all}
}

// accepted is the model of a release.
func accepted(release string) rule {
	since := func(first string, m map[string]rule) map[string]rule {
		if release >= first {
			return m
		}
		return nil
	}
	until := func(last string, m map[string]rule) map[string]rule {
		if release <= last {
			return m
		}
		return nil
	}
	area := integer // shares, as floats, from 0.16 on
	if release >= "0.16" {
		area = float
	}
	filter := fields(map[string]rule{"min_area": area, "max_area": area, "min_ratio": float, "max_ratio": float,
		"threshold": float, "min_score": float, "mask": text})
	input := fields(map[string]rule{"path": text, "input_args": {kind: "words", words: []string{"preset-rtsp-restream",
		"preset-rtsp-generic", "preset-rtsp-udp"}}, "roles": {kind: "list", each: &rule{kind: "words", words: []string{"detect", "record", "audio"}}}})
	input.needs = []string{"path", "roles"}
	ffmpeg := fields(map[string]rule{"inputs": {kind: "list", each: &input}, "hwaccel_args": text, "retry_interval": float})
	ffmpeg.needs = []string{"inputs"}
	camera := fields(map[string]rule{
		"enabled": boolean, "ffmpeg": ffmpeg,
		"detect": fields(enabled, map[string]rule{"width": integer, "height": integer, "fps": integer,
			"min_initialized": integer, "max_disappeared": integer}),
		"objects":   fields(map[string]rule{"track": texts, "filters": {kind: "map", each: &filter}, "mask": text}),
		"snapshots": fields(enabled, map[string]rule{"clean_copy": boolean, "timestamp": boolean, "bounding_box": boolean, "crop": boolean}),
		"record": fields(enabled, map[string]rule{"expire_interval": integer},
			until("0.14", map[string]rule{"events": fields(nil)}),
			until("0.16", map[string]rule{"retain": fields(map[string]rule{"days": float, "mode": text})}),
			since("0.15", map[string]rule{"alerts": fields(nil), "detections": fields(nil)}),
			since("0.17", map[string]rule{"continuous": fields(map[string]rule{"days": float}), "motion": fields(map[string]rule{"days": float})})),
		"review": fields(map[string]rule{"alerts": fields(map[string]rule{"labels": texts, "required_zones": texts}), "detections": fields(map[string]rule{"labels": texts})}),
	}, since("0.17", map[string]rule{"friendly_name": text}))
	camera.needs = []string{"ffmpeg"}
	name := regexp.MustCompile(`^[a-zA-Z0-9_-]+$`) // REGEX_CAMERA_NAME in frigate/const.py
	return fields(map[string]rule{
		"go2rtc":  fields(map[string]rule{"streams": {kind: "map", each: &texts}}),
		"cameras": {kind: "map", each: &camera, form: name},
	})
}

var releases = []string{"0.14", "0.15", "0.16", "0.17"}

// holds checks a document against a release's model, and against what Frigate checks besides.
func holds(release string, document []byte, environment map[string]string) (wrong []string) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return []string{err.Error()}
	}
	var typed any
	if err := root.Decode(&typed); err != nil { // refuses a key written twice, as Frigate does
		return []string{err.Error()}
	}
	wrong = accepted(release).check("", root.Content[0])
	if len(wrong) > 0 {
		return wrong
	}
	var f file
	if err := root.Decode(&f); err != nil {
		return []string{err.Error()}
	}
	for name, sources := range f.Go2RTC.Streams {
		for _, s := range sources {
			if _, err := format(s, environment); err != nil {
				wrong = append(wrong, fmt.Sprintf("go2rtc.streams.%s: %s: %v", name, s, err))
			}
		}
	}
	for name, c := range f.Cameras {
		wrong = append(wrong, c.check(name, f, environment)...)
	}
	return wrong
}

// file is the document, for what spans several places.
type file struct {
	Go2RTC struct {
		Streams map[string][]string
	}
	Cameras map[string]written
}

type written struct {
	FFmpeg struct {
		Inputs []struct {
			Path      string
			Roles     []string
			InputArgs string `yaml:"input_args"`
		}
	}
	Detect struct {
		Enabled            bool
		Width, Height, FPS int
	}
	Objects struct {
		Track   []string
		Filters map[string]struct {
			MinScore  float64 `yaml:"min_score"`
			Threshold float64
			MinArea   int `yaml:"min_area"`
		}
	}
	Record struct{ Enabled bool }
}

// check is validate_roles, verify_config_roles and what follows from a restream's address.
func (c written) check(name string, f file, environment map[string]string) (wrong []string) {
	say := func(text string, v ...any) { wrong = append(wrong, "cameras."+name+": "+fmt.Sprintf(text, v...)) }
	var roles []string
	for _, i := range c.FFmpeg.Inputs {
		roles = append(roles, i.Roles...)
		path, err := format(i.Path, environment)
		if err != nil {
			say("%v", err)
		}
		stream, ok := strings.CutPrefix(path, "rtsp://127.0.0.1:8554/")
		if ok && (f.Go2RTC.Streams[stream] == nil || i.InputArgs != "preset-rtsp-restream") {
			say("reads %s with %s, which go2rtc does not serve so", path, i.InputArgs)
		}
	}
	if slices.Sort(roles); len(slices.Compact(slices.Clone(roles))) != len(roles) {
		say("a role is used twice: %q", roles)
	}
	if !slices.Contains(roles, "detect") || c.Record.Enabled && !slices.Contains(roles, "record") {
		say("a role is missing: %q", roles)
	}
	if f.Go2RTC.Streams[name] == nil {
		say("the live view has no stream of that name")
	}
	if d := c.Detect; d.Width%2 != 0 || d.Height%2 != 0 || (d.Width == 0) != (d.Height == 0) || d.FPS < 1 {
		say("detect %+v", d)
	}
	for label, o := range c.Objects.Filters {
		if !slices.Contains(c.Objects.Track, label) || o.MinScore < 0 || o.MinScore > o.Threshold || o.Threshold > 1 {
			say("filter %s: %+v", label, o)
		}
	}
	return wrong
}

// format is Python's str.format with named fields alone, as Frigate and create_config.py use it.
func format(s string, values map[string]string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '{' && s[i] != '}':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == s[i]:
			b.WriteByte(s[i])
			i++
		case s[i] == '}':
			return "", fmt.Errorf("a single }")
		default:
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return "", fmt.Errorf("a single {")
			}
			value, ok := values[s[i+1:i+end]]
			if !ok || !strings.HasPrefix(s[i+1:], "FRIGATE_") {
				return "", fmt.Errorf("no variable %s", s[i+1:i+end])
			}
			b.WriteString(value)
			i += end
		}
	}
	return b.String(), nil
}

// check holds a node to the rule. Tags are those of YAML 1.2; what YAML 1.1 reads differently is
// looked for besides.
func (r rule) check(at string, n *yaml.Node) (wrong []string) {
	bad := func() []string {
		return append(wrong, fmt.Sprintf("%s: %q (%s) is not of kind %s", at, n.Value, n.Tag, r.kind))
	}
	switch r.kind {
	case "map":
		if n.Kind != yaml.MappingNode {
			return bad()
		}
		return r.checkFields(at, n)
	case "list":
		if n.Kind != yaml.SequenceNode {
			return bad()
		}
		for i, item := range n.Content {
			wrong = append(wrong, r.each.check(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
		return wrong
	}
	tags := map[string]string{"bool": "!!bool", "int": "!!int", "text": "!!str", "words": "!!str", "float": "!!float"}
	plain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0
	switch {
	case n.Kind != yaml.ScalarNode,
		n.Tag != tags[r.kind] && !(r.kind == "float" && n.Tag == "!!int"),
		r.kind == "words" && !slices.Contains(r.words, n.Value),
		n.Tag == "!!str" && plain && slices.Contains(meant, strings.ToLower(n.Value)):
		return bad()
	}
	return nil
}

func (r rule) checkFields(at string, n *yaml.Node) (wrong []string) {
	there := make(map[string]bool)
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		place := at + "." + key.Value
		there[key.Value] = true
		wrong = append(wrong, text.check(place+" (key)", key)...)
		if r.each != nil {
			if r.form != nil && !r.form.MatchString(key.Value) {
				wrong = append(wrong, place+": not a name that Frigate allows")
			}
			wrong = append(wrong, r.each.check(place, value)...)
			continue
		}
		rule, known := r.fields[key.Value]
		if !known {
			wrong = append(wrong, place+": extra fields not permitted")
			continue
		}
		wrong = append(wrong, rule.check(place, value)...)
	}
	for _, name := range r.needs {
		if !there[name] {
			wrong = append(wrong, at+"."+name+": missing")
		}
	}
	return wrong
}
