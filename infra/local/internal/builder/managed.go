package builder

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// managed says which of the managed runtimes a function is for: nodejs, python, or neither.
func managed(fn template.Function) string {
	for _, family := range []string{"nodejs", "python"} {
		if strings.HasPrefix(fn.Runtime, family) {
			return family
		}
	}
	return ""
}

// buildManaged puts the code of a nodejs* or python* function into fresh, with what its package.json or
// requirements.txt asks for. What the managed runtime itself brings along, AWS's SDK, goes beside all functions, once.
func buildManaged(ctx context.Context, fn template.Function, out, fresh string) error {
	family := managed(fn)
	if fn.BuildMethod != "" && !strings.HasPrefix(fn.BuildMethod, family) {
		return fmt.Errorf("%w: %s: %s: BuildMethod %q of a %s function", ErrUnsupported, fn.Pos, fn.ID, fn.BuildMethod, family)
	}
	if err := copyCode(fn, family, fresh); err != nil {
		return fmt.Errorf("builder: %s: %w", fn.ID, err)
	}
	shared := filepath.Dir(out)
	if family == "python" {
		if isFile(filepath.Join(fresh, "requirements.txt")) {
			if err := run(ctx, fn, fresh, "python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt", "--target", fresh); err != nil {
				return err
			}
		}
		return shareSDK(ctx, fn, fresh, shared, pythonSDK)
	}
	if isFile(filepath.Join(fresh, "package.json")) && !isDir(filepath.Join(fresh, "node_modules")) {
		if err := run(ctx, fn, fresh, "npm", "install", "--omit=dev", "--no-audit", "--no-fund", "--silent"); err != nil {
			return err
		}
	}
	return shareSDK(ctx, fn, fresh, shared, nodeSDK)
}

// copyCode copies a function's directory, or writes its inline code.
func copyCode(fn template.Function, family, fresh string) error {
	if fn.Inline != "" {
		name := map[string]string{"nodejs": "index.js", "python": "index.py"}[family]
		return os.WriteFile(filepath.Join(fresh, name), []byte(fn.Inline), 0o600)
	}
	return filepath.WalkDir(fn.CodeDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(fn.CodeDir, path)
		if err != nil {
			return err
		}
		target := filepath.Join(fresh, rel)
		switch {
		case rel != "." && d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

// sdk is what a managed runtime brings along.
type sdk struct {
	imports  *regexp.Regexp                       // what names a package in the code; its first group
	has      func(code, shared, name string) bool // whether it is there already
	install  func(shared string, names ...string) []string
	suffixes []string
}

var nodeSDK = sdk{
	imports: regexp.MustCompile(`['"](@aws-sdk/[a-z0-9-]+|@smithy/[a-z0-9-]+|aws-sdk)(?:/[^'"]*)?['"]`),
	has: func(code, shared, name string) bool {
		return isDir(filepath.Join(code, "node_modules", name)) || isDir(filepath.Join(shared, "node_modules", name))
	},
	install: func(shared string, names ...string) []string {
		return append([]string{"npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", shared}, names...)
	},
	suffixes: []string{".js", ".mjs", ".cjs"},
}

var pythonSDK = sdk{
	imports: regexp.MustCompile(`(?m)^\s*(?:import|from)\s+(boto3|botocore)\b`),
	has: func(code, shared, name string) bool {
		return isDir(filepath.Join(code, name)) || isDir(filepath.Join(shared, ".python", name))
	},
	install: func(shared string, names ...string) []string {
		return append([]string{"python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", filepath.Join(shared, ".python")}, names...)
	},
	suffixes: []string{".py"},
}

// sharing is held while something is installed beside the functions.
var sharing sync.Mutex

// shareSDK installs the packages of the SDK that the code names and nobody has yet.
func shareSDK(ctx context.Context, fn template.Function, code, shared string, kit sdk) error {
	sharing.Lock()
	defer sharing.Unlock()
	names, err := kit.named(code)
	if err != nil {
		return fmt.Errorf("builder: %s: %w", fn.ID, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return kit.has(code, shared, name) })
	if len(names) == 0 {
		return nil
	}
	args := kit.install(shared, names...)
	return run(ctx, fn, shared, args[0], args[1:]...)
}

// named lists the packages that the code names, without what is installed with it.
func (k sdk) named(code string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(code, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if d.IsDir() || !slices.Contains(k.suffixes, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, found := range k.imports.FindAllSubmatch(text, -1) {
			names = append(names, string(found[1]))
		}
		return err
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

func run(ctx context.Context, fn template.Function, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("builder: %s: %s: %s: %w\n%s", fn.Pos, fn.ID, strings.Join(cmd.Args, " "), err, bytes.TrimSpace(text))
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
