package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

// spec is the document as a client reads it.
type spec struct {
	t   *testing.T
	doc object
}

func specOf(t *testing.T, p *Page) spec {
	t.Helper()
	a := get(t, p, "/api/openapi.json")
	if a.code != 200 {
		t.Fatalf("code %d", a.code)
	}
	return spec{t, decode[object](t, a)}
}

func (s spec) operation(method, path string) object {
	item, _ := s.doc["paths"].(object)[path].(object)
	op, _ := item[strings.ToLower(method)].(object)
	if op == nil {
		s.t.Fatalf("%s %s is not in the document", method, path)
	}
	return op
}

// holds says what of an answer is not as the document has it.
func (s spec) holds(method, path string, a answerOf) (wrong []string) {
	responses := s.operation(method, path)["responses"].(object)
	response, ok := responses[strconv.Itoa(a.code)].(object)
	if !ok {
		if a.code < 400 {
			return []string{fmt.Sprintf("status %d is not in the document", a.code)}
		}
		response = responses["default"].(object)
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content, ok := response["content"].(object)[kind].(object)
	if !ok {
		return []string{fmt.Sprintf("status %d with %q is not in the document", a.code, kind)}
	}
	if kind != "application/json" {
		return nil
	}
	var value any
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		return []string{err.Error()}
	}
	return s.fits("", content["schema"].(object), value)
}

// fits is a validator of the part of JSON Schema that the document uses; it takes no field that the
// document does not name.
func (s spec) fits(at string, schema object, value any) (wrong []string) {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		named, ok := s.doc["components"].(object)["schemas"].(object)[name].(object)
		if !ok {
			return []string{at + ": no schema is named " + name}
		}
		return s.fits(at, named, value)
	}
	if any, ok := schema["anyOf"].([]any); ok {
		for _, one := range any {
			if len(s.fits(at, one.(object), value)) == 0 {
				return nil
			}
		}
		return []string{fmt.Sprintf("%s: %v fits none of anyOf: %v", at, value, s.fits(at, any[0].(object), value))}
	}
	types := []string{}
	switch k := schema["type"].(type) {
	case nil:
		return nil
	case string:
		types = append(types, k)
	case []any:
		for _, one := range k {
			types = append(types, one.(string))
		}
	}
	if kind := kindOf(value); !slices.Contains(types, kind) && !(kind == "integer" && slices.Contains(types, "number")) {
		return []string{fmt.Sprintf("%s: %s, want %v", at, kind, types)}
	}
	if words, ok := schema["enum"].([]any); ok && !slices.Contains(words, value) {
		wrong = append(wrong, fmt.Sprintf("%s: %v is none of %v", at, value, words))
	}
	switch v := value.(type) {
	case []any:
		for i, one := range v {
			wrong = append(wrong, s.fits(fmt.Sprintf("%s[%d]", at, i), schema["items"].(object), one)...)
		}
	case object:
		wrong = append(wrong, s.fields(at, schema, v)...)
	}
	return wrong
}

func (s spec) fields(at string, schema, value object) (wrong []string) {
	properties, _ := schema["properties"].(object)
	others, open := schema["additionalProperties"].(object)
	for name, one := range value {
		switch property, ok := properties[name].(object); {
		case ok:
			wrong = append(wrong, s.fits(at+"."+name, property, one)...)
		case open:
			wrong = append(wrong, s.fits(at+"."+name, others, one)...)
		default:
			if properties != nil {
				wrong = append(wrong, at+"."+name+" is not in the document")
			}
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			wrong = append(wrong, at+"."+name.(string)+" is missing")
		}
	}
	return wrong
}

func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func TestEveryRouteAnswersAsTheDocumentSays(t *testing.T) {
	frigate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\xff\xd8\xff\xe0")) }))
	defer frigate.Close()
	full := pumping()
	full.overview.Machine.CPU = new(float64)
	full.overview.Cameras[0].Objects = []string{"1"}
	early := &house{deaf: true}
	reload := func(mistakes ...string) func() protocol.SettingsOutcome {
		return func() protocol.SettingsOutcome {
			return protocol.SettingsOutcome{Applied: []string{}, Restart: []string{}, Refused: []protocol.SettingRefused{}, Mistakes: append([]string{}, mistakes...)}
		}
	}
	open := serving(t, Settings{Frigate: frigate.URL, Reload: reload()}, full)
	shut := serving(t, Settings{Reload: reload("home.toml:2: consensus.threshold must be 1 to 10")}, early)
	locked := serving(t, Settings{Config: Config{Users: users}}, pumping())
	s := specOf(t, open)
	if s.doc["openapi"] != "3.1.0" {
		t.Errorf("version %v", s.doc["openapi"])
	}
	bodies := map[string][]string{
		"/api/commands":           {`{"command":"stop"}`, `{"command":"start","confirm":true}`, `{"command":"start"}`, `{}`},
		"/api/alarms/acknowledge": {`{}`, `x`}, "/api/login": {`{"user":"anna","password":"` + password + `"}`, `{}`}, "/api/logout": {`{}`}, "/api/reload": {`{}`},
	}
	full.outcome = func(c protocol.Command) protocol.CommandOutcome {
		return protocol.CommandOutcome{Accepted: c.Action == protocol.CommandStop, Event: protocol.EmergencyStop, Reason: "error"}
	}
	seen := map[string]bool{}
	for _, r := range table() {
		if r.path == "/api/stream" {
			continue // TestTheStream… reads it
		}
		path := strings.ReplaceAll(r.path, "{name}", "north")
		for _, p := range []*Page{open, shut, locked} {
			for _, body := range append(bodies[r.path], "") {
				for _, login := range []string{"Accept: */*", basic("anna", password)} {
					a := request(t, r.method, p.URL()+path, body, login)
					seen[fmt.Sprint(r.method, r.path, a.code)] = true
					for _, wrong := range s.holds(r.method, r.path, a) {
						t.Errorf("%s %s %s → %d: %s", r.method, path, body, a.code, wrong)
					}
				}
			}
		}
		for code := range r.answers {
			if !seen[fmt.Sprint(r.method, r.path, code)] {
				t.Errorf("%s %s never answered %d, which the document promises", r.method, r.path, code)
			}
		}
		if r.role != "" && !seen[fmt.Sprint(r.method, r.path, 401)] {
			t.Errorf("%s %s is open to everybody", r.method, r.path)
		}
	}
}

func TestTheValidatorSeesWhatIsWrong(t *testing.T) {
	s := specOf(t, serving(t, Settings{}, pumping()))
	well := answerOf{200, `{"events":[],"last":3}`, http.Header{"Content-Type": {"application/json"}}}
	if wrong := s.holds("GET", "/api/events", well); wrong != nil {
		t.Fatal(wrong)
	}
	for _, body := range []string{`{"events":[]}`, `{"events":{},"last":3}`, `{"events":[],"last":"3"}`, `{"events":[],"last":3,"more":1}`,
		`{"events":[{}],"last":3}`, `[]`, `{"events":[],"last":1.5}`} {
		bad := well
		bad.body = body
		if s.holds("GET", "/api/events", bad) == nil {
			t.Errorf("it takes %s", body)
		}
	}
	bad := well
	bad.code = 201
	if s.holds("GET", "/api/events", bad) == nil {
		t.Error("it takes a status that is not in the document")
	}
}

func TestTheDocumentIsWholeAndItsReferencesLead(t *testing.T) {
	s := specOf(t, serving(t, Settings{}, pumping()))
	schemas := s.doc["components"].(object)["schemas"].(object)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				used[strings.TrimPrefix(ref, "#/components/schemas/")] = true
			}
			for _, one := range v {
				walk(one)
			}
		case []any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(s.doc)
	if got, want := slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(schemas)); !slices.Equal(got, want) {
		t.Errorf("references %v, schemas %v", got, want)
	}
	ids := map[string]bool{}
	for path, item := range s.doc["paths"].(object) {
		for method, op := range item.(object) {
			id, _ := op.(object)["operationId"].(string)
			if id == "" || ids[id] || op.(object)["summary"] == "" {
				t.Errorf("%s %s: operationId %q", method, path, id)
			}
			ids[id] = true
			if strings.Contains(path, "{") && op.(object)["parameters"] == nil {
				t.Errorf("%s says nothing of its parameter", path)
			}
		}
	}
	if len(ids) != len(table()) {
		t.Errorf("%d operations, %d routes", len(ids), len(table()))
	}
}
