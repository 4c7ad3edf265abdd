// Command vectors runs the vectors in Go and prints one line a vector, as the runners of the other languages do.
package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"buf.build/go/protovalidate"
	_ "github.com/Combine-Capital/cqc/tests/interop/go/contracts"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Above this many broken rules, the places in lists are left out and each rule is said once.
const many = 50

var place = regexp.MustCompile(`\[[0-9]+\]`)

type vector struct {
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	Bytes    []byte          `json:"bytes"`
	Deflated []byte          `json:"deflated"`
	JSON     json.RawMessage `json:"json"`
}

type answer struct {
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	JSON     json.RawMessage `json:"json,omitempty"`
	Bytes    *[]byte         `json:"bytes,omitempty"`
	Rules    *[]string       `json:"rules,omitempty"`
	FromJSON *[]byte         `json:"fromJson,omitempty"`
	Refused  bool            `json:"refused,omitempty"`
}

func brokenRules(message proto.Message) ([]string, error) {
	err := protovalidate.Validate(message)
	if err == nil {
		return []string{}, nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return nil, err
	}
	rules := []string{}
	for _, each := range invalid.Violations {
		path := protovalidate.FieldPathString(each.Proto.GetField())
		rules = append(rules, path+" "+each.Proto.GetRuleId())
	}
	if len(rules) > many {
		for i, rule := range rules {
			rules[i] = place.ReplaceAllString(rule, "[*]")
		}
	}
	slices.Sort(rules)
	if len(rules) > many {
		rules = slices.Compact(rules)
	}
	return rules, nil
}

// encoded is the message in binary, never nil, so that it is printed even when empty.
func encoded(message proto.Message) (*[]byte, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if data == nil {
		data = []byte{}
	}
	return &data, err
}

func answerOf(v vector) (*answer, error) {
	a := &answer{Type: v.Type, Name: v.Name}
	data := v.Bytes
	if v.Deflated != nil {
		var err error
		if data, err = io.ReadAll(flate.NewReader(bytes.NewReader(v.Deflated))); err != nil {
			return nil, err
		}
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(v.Type))
	if err != nil {
		return nil, err
	}
	message := kind.New().Interface()
	if proto.Unmarshal(data, message) != nil {
		a.Refused = true
		return a, nil
	}
	if a.JSON, err = (protojson.MarshalOptions{UseProtoNames: true}).Marshal(message); err != nil {
		return nil, err
	}
	if a.Bytes, err = encoded(message); err != nil {
		return nil, err
	}
	rules, err := brokenRules(message)
	if err != nil {
		return nil, err
	}
	a.Rules = &rules
	if v.JSON != nil {
		parsed := kind.New().Interface()
		if err := protojson.Unmarshal(v.JSON, parsed); err != nil {
			return nil, err
		}
		if a.FromJSON, err = encoded(parsed); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func run(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var v vector
			if err := json.Unmarshal(line, &v); err != nil {
				return err
			}
			a, err := answerOf(v)
			if err != nil {
				return fmt.Errorf("%s %q: %w", v.Type, v.Name, err)
			}
			if err := json.NewEncoder(out).Encode(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
