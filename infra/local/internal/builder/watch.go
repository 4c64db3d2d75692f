package builder

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// Built is a function with the artifact that [Build] made.
type Built struct {
	template.Function
	Artifact string
}

// settle is how long nothing must change before a change is reported: editors write a file in several steps.
const settle = 150 * time.Millisecond

// Watcher watches the sources of functions, and extra files such as the template. From [Watcher.Set] on no change is
// missed, whether Run has begun or not. Its methods are for one goroutine at a time.
type Watcher struct {
	fs     *fsnotify.Watcher
	fns    []Built
	dirs   map[string][]string // directory to the ids of the functions it belongs to
	extras map[string]bool
	dirty  map[string]bool
	extra  bool
}

// NewWatcher watches the extra files, absolute paths, and no function yet. Close it.
func NewWatcher(extra ...string) (*Watcher, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("builder: watch: %w", err)
	}
	w := &Watcher{fs: fs, extras: map[string]bool{}, dirty: map[string]bool{}}
	for _, file := range extra {
		w.extras[file] = true
		if err := fs.Add(filepath.Dir(file)); err != nil {
			_ = fs.Close()
			return nil, fmt.Errorf("builder: watch %s: %w", file, err)
		}
	}
	return w, nil
}

// Close ends the watching.
func (w *Watcher) Close() error { return w.fs.Close() }

// Set watches the sources of these functions: for a Go function the packages of its module that it depends on, for
// others all of its code directory. A directory that was watched stays watched.
func (w *Watcher) Set(ctx context.Context, fns []Built) error {
	w.fns, w.dirs = fns, sources(ctx, fns)
	for dir := range w.dirs {
		if err := w.fs.Add(dir); err != nil {
			return fmt.Errorf("builder: watch %s: %w", dir, err)
		}
	}
	return nil
}

// Run calls changed, one call at a time, with the functions whose sources changed and whether an extra file did, until
// ctx ends. changed may call Set.
func (w *Watcher) Run(ctx context.Context, changed func(fns []template.Function, extra bool)) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.fs.Errors:
			return fmt.Errorf("builder: watch: %w", err)
		case ev := <-w.fs.Events:
			if w.note(ev) {
				timer.Reset(settle)
			}
		case <-timer.C:
			if fns, extra := w.take(); len(fns) > 0 || extra {
				changed(fns, extra)
			}
			timer.Reset(time.Hour)
		}
	}
}

// note remembers what an event changed, and says whether it was anything.
func (w *Watcher) note(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	if w.extras[ev.Name] {
		w.extra = true
		return true
	}
	if !isSource(ev.Name) {
		return false
	}
	ids := w.dirs[filepath.Dir(ev.Name)]
	for _, id := range ids {
		w.dirty[id] = true
	}
	return len(ids) > 0
}

func isSource(name string) bool {
	base := filepath.Base(name)
	switch filepath.Ext(base) {
	case ".js", ".mjs", ".cjs", ".py":
		return true
	}
	return base == "go.mod" || base == "Makefile" || (strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go"))
}

// take gives what has changed, and forgets it.
func (w *Watcher) take() (fns []template.Function, extra bool) {
	for _, fn := range w.fns {
		if w.dirty[fn.ID] {
			fns = append(fns, fn.Function)
		}
	}
	extra = w.extra
	w.dirty, w.extra = map[string]bool{}, false
	return fns, extra
}

// sources gives the directories to watch, each with the functions that depend on it.
func sources(ctx context.Context, fns []Built) map[string][]string {
	dirs := map[string][]string{}
	for _, fn := range fns {
		for _, dir := range goDirs(ctx, fn.Function, fn.Artifact) {
			dirs[dir] = append(dirs[dir], fn.ID)
		}
	}
	return dirs
}

// goDirs gives the directories of a built Go function's package and of all it needs from the same module. The binary
// says which package it was built from, whatever its makefile did.
func goDirs(ctx context.Context, fn template.Function, artifact string) []string {
	if fn.CodeDir == "" {
		return nil // inline code changes with the template
	}
	info, err := buildinfo.ReadFile(filepath.Join(artifact, "bootstrap"))
	if err != nil {
		return allDirs(fn.CodeDir)
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", info.Path)
	cmd.Dir = fn.CodeDir
	out, err := cmd.Output()
	if err != nil {
		return allDirs(fn.CodeDir)
	}
	return strings.Fields(string(out))
}

func allDirs(root string) []string {
	var dirs []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // what cannot be read is not watched
		}
		if base := d.Name(); path != root && (strings.HasPrefix(base, ".") || base == "node_modules") {
			return filepath.SkipDir
		}
		dirs = append(dirs, path)
		return nil
	})
	return dirs
}
