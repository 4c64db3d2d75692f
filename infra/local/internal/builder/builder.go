// Package builder builds a template's functions the way `sam build` does, but for this machine, and watches their
// sources. It does not package or upload.
package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// ErrUnsupported means that a function's build method or package type is not one that runs here.
var ErrUnsupported = errors.New("builder: unsupported")

// Options are the optional parts of a build.
type Options struct {
	OutDir string // where artifacts go, one directory for each function; .local/build if empty
}

// Build builds one function and gives the directory with its bootstrap. The methods are makefile (`make build-ID` with
// ARTIFACTS_DIR, as SAM does) and go1.x; a function without one that has a bootstrap in its CodeUri is taken as it is.
// The code of a nodejs* or python* function is copied, and npm or pip install what it asks for.
// GOOS and GOARCH are this machine's, whatever the template's Architectures say. On failure the error carries the
// compiler's output in full. A new build replaces the old artifact only when it succeeded.
func Build(ctx context.Context, fn template.Function, opts *Options) (string, error) {
	out := filepath.Join(".local", "build")
	if opts != nil && opts.OutDir != "" {
		out = opts.OutDir
	}
	out, err := filepath.Abs(filepath.Join(out, fn.ID))
	if err != nil {
		return "", fmt.Errorf("builder: %s: %w", fn.ID, err)
	}
	if fn.SkipBuild || (fn.BuildMethod == "" && managed(fn) == "" && isFile(filepath.Join(fn.CodeDir, "bootstrap"))) {
		return fn.CodeDir, nil
	}
	fresh := out + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o755)); err != nil {
		return "", fmt.Errorf("builder: %s: %w", fn.ID, err)
	}
	if managed(fn) != "" && fn.BuildMethod != "makefile" {
		if err := buildManaged(ctx, fn, out, fresh); err != nil {
			return "", err
		}
		return out, replace(out, fresh)
	}
	cmd, err := command(ctx, fn, fresh)
	if err != nil {
		return "", err
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("builder: %s: %s: %w\n%s", fn.Pos, fn.ID, err, bytes.TrimSpace(text))
	}
	return out, replace(out, fresh)
}

func command(ctx context.Context, fn template.Function, out string) (*exec.Cmd, error) {
	var cmd *exec.Cmd
	switch {
	case fn.BuildMethod == "makefile":
		cmd = exec.CommandContext(ctx, "make", "build-"+fn.Target, "ARTIFACTS_DIR="+out)
	case fn.BuildMethod == "go1.x" || (fn.BuildMethod == "" && isFile(filepath.Join(fn.CodeDir, "main.go"))):
		cmd = exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-o", filepath.Join(out, "bootstrap"), ".")
	default:
		return nil, fmt.Errorf("%w: %s: %s: BuildMethod %q of a function in %s; use makefile or go1.x, or put a bootstrap there",
			ErrUnsupported, fn.Pos, fn.ID, fn.BuildMethod, fn.CodeDir)
	}
	cmd.Dir = fn.CodeDir
	cmd.Env = append(os.Environ(), "ARTIFACTS_DIR="+out, "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "CGO_ENABLED=0")
	return cmd, nil
}

// replace puts the new artifact where the old one was. A process that runs the old one keeps its file.
func replace(out, fresh string) error {
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("builder: %w", err)
	}
	if err := os.Rename(fresh, out); err != nil {
		return fmt.Errorf("builder: %w", err)
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
