package web

import (
	"encoding"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// object is a JSON object of the document.
type object = map[string]any

func (p *Page) openAPI(w http.ResponseWriter, req *http.Request, _ visitor) {
	say(w, http.StatusOK, document(table()))
}

// document is the OpenAPI 3.1 document of a table of routes.
func document(routes []route) object {
	s := schemas{components: object{}}
	paths := object{}
	for _, r := range routes {
		item, _ := paths[r.path].(object)
		if item == nil {
			item = object{}
			paths[r.path] = item
		}
		item[strings.ToLower(r.method)] = s.operation(r)
	}
	s.of(reflect.TypeFor[Problem]())
	return object{
		"openapi": "3.1.0",
		"info": object{"title": "Wildfire Watch", "version": "1", "description": "The house over HTTP. Fields are added, never renamed or dropped: " +
			"ignore those that you do not know. On the loopback, without http.users, no login is needed; a POST with a session carries X-CSRF-Token."},
		"paths": paths,
		"components": object{"schemas": s.components, "securitySchemes": object{
			"basic":   object{"type": "http", "scheme": "basic"},
			"session": object{"type": "apiKey", "in": "cookie", "name": "wildfire-watch", "description": "With TLS it is named __Host-wildfire-watch."},
		}},
	}
}

func (s *schemas) operation(r route) object {
	id := strings.ToLower(r.method) + strings.NewReplacer("/", "_", "{", "", "}", "", ".", "_").Replace(r.path)
	op := object{"operationId": id, "summary": r.about}
	if r.role != "" {
		op["description"] = "Needs the role " + string(r.role) + "."
		op["security"] = []object{{"basic": []string{}}, {"session": []string{}}}
	}
	params := []object{}
	for _, p := range r.params {
		schema := object{"type": p.kind}
		if p.kind == "integer" {
			schema["minimum"], schema["maximum"] = p.low, p.high
		}
		params = append(params, object{"name": p.name, "in": p.in, "required": p.in == "path", "description": p.about, "schema": schema})
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	if r.body != nil {
		op["requestBody"] = object{"required": true, "content": s.content(r.body)}
	}
	answers := object{"default": object{"description": "It is not so; error says why, do what helps.", "content": s.content(Problem{})}}
	for code, value := range r.answers {
		answers[strconv.Itoa(code)] = object{"description": http.StatusText(code), "content": s.content(value)}
	}
	op["responses"] = answers
	return op
}

func (s *schemas) content(value any) object {
	if m, ok := value.(media); ok {
		return object{string(m): object{"schema": object{"type": "string"}}}
	}
	return object{"application/json": object{"schema": s.of(reflect.TypeOf(value))}}
}

// schemas makes JSON schemas of Go types; structs with a name stand under components.
type schemas struct{ components object }

var textType = reflect.TypeFor[encoding.TextMarshaler]()

func (s *schemas) of(t reflect.Type) object {
	if t == reflect.TypeFor[protocol.State]() {
		names := []string{}
		for state := range protocol.NumStates {
			names = append(names, state.String())
		}
		return object{"type": "string", "enum": names}
	}
	if t.Implements(textType) {
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{s.of(t.Elem()), {"type": "null"}}}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float64, reflect.Float32:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uint32, reflect.Uint8, reflect.Uint:
		return object{"type": "integer"}
	case reflect.Slice:
		// A list of which nothing is known may be null.
		return object{"type": []string{"array", "null"}, "items": s.of(t.Elem())}
	case reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.structure(t)
	}
	return object{} // anything
}

func (s *schemas) structure(t reflect.Type) object {
	name := t.Name()
	if name == "" {
		return s.fields(t)
	}
	if _, known := s.components[name]; !known {
		s.components[name] = object{} // a type may hold itself
		s.components[name] = s.fields(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) fields(t reflect.Type) object {
	properties, required := object{}, []string{}
	s.collect(t, properties, &required)
	return object{"type": "object", "properties": properties, "required": required}
}

func (s *schemas) collect(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			s.collect(f.Type, properties, required)
			continue
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		schema := s.of(f.Type)
		if words := f.Tag.Get("enum"); words != "" {
			schema["enum"] = strings.Split(words, ",")
		}
		properties[name] = schema
		if !strings.Contains(options, "omitempty") {
			*required = append(*required, name)
		}
	}
}
