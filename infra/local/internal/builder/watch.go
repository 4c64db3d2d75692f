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

// Watch watches the sources of functions, and extra files such as the template, until ctx ends. It calls changed, one
// call at a time, with the functions whose sources changed and whether an extra file did. The sources of a Go function
// are the packages of its module that it depends on; those of others all of its code directory.
func Watch(ctx context.Context, fns []Built, extra []string, changed func(fns []template.Function, extra bool)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("builder: watch: %w", err)
	}
	defer w.Close()
	dirs := sources(ctx, fns)
	for dir := range dirs {
		if err := w.Add(dir); err != nil {
			return fmt.Errorf("builder: watch %s: %w", dir, err)
		}
	}
	extras := map[string]bool{}
	for _, file := range extra {
		extras[file] = true
		if err := w.Add(filepath.Dir(file)); err != nil {
			return fmt.Errorf("builder: watch %s: %w", file, err)
		}
	}
	loop := &watchLoop{fns: fns, dirs: dirs, extras: extras, changed: changed, dirty: map[string]bool{}}
	return loop.run(ctx, w)
}

type watchLoop struct {
	fns     []Built
	dirs    map[string][]string // directory to the ids of the functions it belongs to
	extras  map[string]bool
	changed func([]template.Function, bool)
	dirty   map[string]bool
	extra   bool
}

func (l *watchLoop) run(ctx context.Context, w *fsnotify.Watcher) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.Errors:
			return fmt.Errorf("builder: watch: %w", err)
		case ev := <-w.Events:
			if l.note(ev) {
				timer.Reset(settle)
			}
		case <-timer.C:
			l.report()
			timer.Reset(time.Hour)
		}
	}
}

// note remembers what an event changed, and says whether it was anything.
func (l *watchLoop) note(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	if l.extras[ev.Name] {
		l.extra = true
		return true
	}
	if !isSource(ev.Name) {
		return false
	}
	ids := l.dirs[filepath.Dir(ev.Name)]
	for _, id := range ids {
		l.dirty[id] = true
	}
	return len(ids) > 0
}

func isSource(name string) bool {
	base := filepath.Base(name)
	return base == "go.mod" || base == "Makefile" || (strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go"))
}

func (l *watchLoop) report() {
	var fns []template.Function
	for _, fn := range l.fns {
		if l.dirty[fn.ID] {
			fns = append(fns, fn.Function)
		}
	}
	extra := l.extra
	l.dirty, l.extra = map[string]bool{}, false
	if len(fns) > 0 || extra {
		l.changed(fns, extra)
	}
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
