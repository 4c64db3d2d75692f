package builder_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/builder"
	"github.com/disclone/disclone/infra/local/internal/template"
)

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"index.js", "lib/a.js", "index.py", ".git/HEAD"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			out[name] = string(data)
		}
	}
	return out
}

// The code of an interpreted function is copied, so that what is installed for it does not end up among the sources.
func TestBuildManaged(t *testing.T) {
	t.Parallel()
	code, out := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"index.js": "exports.a = 1", "lib/a.js": "x", ".git/HEAD": "x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(code, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(code, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		fn   template.Function
		want map[string]string
	}{
		"directory":     {template.Function{ID: "A", Runtime: "nodejs20.x", CodeDir: code}, map[string]string{"index.js": "exports.a = 1", "lib/a.js": "x"}},
		"inline":        {template.Function{ID: "B", Runtime: "nodejs20.x", Inline: "exports.b = 1"}, map[string]string{"index.js": "exports.b = 1"}},
		"inline python": {template.Function{ID: "C", Runtime: "python3.12", Inline: "b = 1"}, map[string]string{"index.py": "b = 1"}},
	} {
		dir, err := builder.Build(t.Context(), tc.fn, &builder.Options{OutDir: out})
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(tc.want, files(t, dir)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := builder.Build(t.Context(), template.Function{ID: "D", Runtime: "nodejs20.x", BuildMethod: "esbuild", CodeDir: code}, &builder.Options{OutDir: out}); !errors.Is(err, builder.ErrUnsupported) {
		t.Errorf("esbuild: %v, want ErrUnsupported", err)
	}
}
