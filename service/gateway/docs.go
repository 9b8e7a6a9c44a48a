package gateway

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/hengdai/hengdai/api/openapi"
)

//go:embed docs
var docsFiles embed.FS

// newDocs serves the documentation of the API: a static page and the OpenAPI documents it shows.
func newDocs() (http.Handler, error) {
	documents := map[string]json.RawMessage{}
	err := fs.WalkDir(openapi.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := openapi.Files.ReadFile(path)
		name := strings.ReplaceAll(strings.TrimSuffix(path, ".openapi.json"), "/", ".")
		documents[name] = raw
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the API documents: %w", err)
	}
	all, err := json.Marshal(documents)
	if err != nil {
		return nil, fmt.Errorf("joining the API documents: %w", err)
	}
	files, err := fs.Sub(docsFiles, "docs")
	if err != nil {
		return nil, fmt.Errorf("reading the page of the API: %w", err)
	}
	static := http.StripPrefix("/docs/", http.FileServerFS(files))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/docs/", http.StatusFound) })
	mux.HandleFunc("GET /docs/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(all) // the caller is gone if this fails
	})
	mux.Handle("GET /docs/", static)
	return mux, nil
}
