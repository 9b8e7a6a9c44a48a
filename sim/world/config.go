package world

import (
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/hengdai/hengdai/kit/config"
)

// configure writes the configuration of the process of one service, or of the parties.
func (w *World) configure(name string) error {
	listen := map[string]any{"public_http": "", "public_https": "", "sandbox": "", "ops": w.at.ops[name]}
	doc := map[string]any{
		"data_dir": filepath.Join(w.Dir, name), "keys_dir": filepath.Join(w.Dir, "keys"), "services": []string{name}, "listen": listen,
		"callback_base": "http://" + w.at.http, "telemetry": map[string]any{"level": "info"},
		"parties": map[string]string{"sandbox": "http://" + w.at.sandbox},
	}
	switch name {
	case config.Outside:
		listen["sandbox"] = w.at.sandbox
		delete(doc, "parties")
	case "gateway":
		listen["public_http"], listen["public_https"] = w.at.http, w.at.https
	default:
		if engine := w.databases.engine(); engine != "sqlite" {
			doc["databases"] = map[string]any{name: map[string]string{"engine": engine, "dsn": w.databases.source(name)}}
		}
	}
	peers := map[string]string{}
	for _, service := range Services {
		if service != name {
			peers[service] = "http://" + w.at.internal[service]
			continue
		}
		listen["internal"] = map[string]string{service: w.at.internal[service]}
	}
	doc["peers"] = peers
	text, err := yaml.Marshal(doc)
	if err != nil {
		return err
	}
	return os.WriteFile(w.configFile(name), text, 0o600)
}

func (w *World) configFile(name string) string { return filepath.Join(w.Dir, name+".yaml") }
