package policy

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/domain/score"
	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml *.json
var files embed.FS

// Shipped is the policy that a new installation starts with.
const Shipped = "consumer-1"

// Source is the text of a shipped policy.
func Source(name string) ([]byte, error) { return files.ReadFile(name + ".yaml") }

// CardSource is the text of a shipped scorecard.
func CardSource(name string) ([]byte, error) { return files.ReadFile(name + ".json") }

// Load reads a policy document in YAML or JSON with the text of its card, and checks both.
func Load(document, card []byte) (*flow.Policy, error) {
	loaded, err := score.Load(card)
	if err != nil {
		return nil, err
	}
	asJSON, err := JSON(document)
	if err != nil {
		return nil, err
	}
	return flow.Load(asJSON, loaded)
}

// Head is the part of a document that names it.
type Head struct {
	Line    string `yaml:"line"`
	Version int    `yaml:"version"`
	Card    string `yaml:"card"`
}

// HeadOf reads the names in a document without checking the rest.
func HeadOf(document []byte) (Head, error) {
	var head Head
	if err := limited(document); err != nil {
		return head, err
	}
	if err := yaml.Unmarshal(document, &head); err != nil {
		return head, fmt.Errorf("policy: %w", err)
	}
	return head, nil
}

// JSON turns a document in YAML (JSON is YAML too) into JSON with sorted keys, the same for documents that say the same.
func JSON(document []byte) ([]byte, error) {
	if err := limited(document); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(document)))
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("policy: more than one document")
	}
	// Aliases can blow a small text up; the result is bounded like the text.
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return asJSON, limited(asJSON)
}

func limited(document []byte) error {
	if len(document) > flow.MaxDocument {
		return fmt.Errorf("policy: larger than %d bytes", flow.MaxDocument)
	}
	return nil
}
