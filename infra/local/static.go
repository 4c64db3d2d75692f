package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
)

// outputsFile is where a page finds the template's outputs: in the format of `sam list stack-outputs --output json`, which
// a deployed page has as a file. A file of this name in the static directory wins.
const outputsFile = "/outputs.json"

// static serves --static-dir, and the template's outputs with this machine's addresses.
func (r *runtime) static() http.Handler {
	files := http.FileServer(http.Dir(r.cfg.staticDir))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		_, err := os.Stat(filepath.Join(r.cfg.staticDir, outputsFile))
		if req.URL.Path == outputsFile && err != nil {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(r.outputs()) // the client is gone if this fails
			return
		}
		files.ServeHTTP(w, req)
	})
}

type stackOutput struct {
	OutputKey, OutputValue, Description string
}

func (r *runtime) outputs() []stackOutput {
	out := []stackOutput{}
	for _, o := range r.currentApp().Outputs {
		out = append(out, stackOutput{o.Key, r.localize(o.Value), o.Description})
	}
	return out
}
