package main

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/disclone/disclone/"

// TestImportDirections holds the rules of docs/architecture.md: who may import whom.
func TestImportDirections(t *testing.T) {
	t.Parallel()
	const aws = "github.com/aws/"
	for _, rule := range []struct {
		packages string
		never    []string
	}{
		{"./pkg/channel", []string{"github.com/", "golang.org/"}},
		{"./pkg/task", []string{"github.com/", "golang.org/"}},
		{"./pkg/stream", []string{"github.com/", "golang.org/"}},
		{"./pkg/realtime", []string{aws, module + "pkg/"}},
		{"./pkg/...", []string{module + "functions", module + "infra"}},
		{"./functions/internal/chat", []string{aws + "aws-sdk-go-v2", module + "infra", module + "pkg/channel/", module + "pkg/task/", module + "pkg/stream/"}},
		{"./functions/...", []string{module + "infra"}},
		{"./infra/local/...", []string{module + "pkg", module + "functions"}},
		{"./infra/local/internal/template", []string{module + "infra/local/internal/"}},
		{"./infra/local/internal/gateway", []string{module + "infra/local/internal/{lambdahost,eventsource,dataplane,builder,provision}"}},
		{"./infra/local/internal/lambdahost", []string{module + "infra/local/internal/{gateway,eventsource,dataplane,provision}"}},
		{"./infra/local/internal/eventsource", []string{module + "infra/local/internal/{gateway,lambdahost,dataplane,builder,provision}"}},
		{"./infra/local/internal/dataplane/...", []string{module + "infra/local/internal/{gateway,lambdahost,eventsource,builder,provision}"}},
	} {
		t.Run(rule.packages, func(t *testing.T) {
			t.Parallel()
			for pkg, deps := range dependencies(t, rule.packages) {
				for _, dep := range deps {
					for _, never := range rule.never {
						if forbidden(dep, never) && dep != pkg && !sameTree(pkg, dep, rule.packages) {
							t.Errorf("%s imports %s", pkg, dep)
						}
					}
				}
			}
		})
	}
}

// forbidden says whether dep begins with the pattern, which may have one {a,b} in it.
func forbidden(dep, pattern string) bool {
	head, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return strings.HasPrefix(dep, pattern)
	}
	names, _, _ := strings.Cut(rest, "}")
	for name := range strings.SplitSeq(names, ",") {
		if strings.HasPrefix(dep, head+name) {
			return true
		}
	}
	return false
}

// sameTree lets the packages below one directory import each other.
func sameTree(pkg, dep, pattern string) bool {
	tree := module + strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/...")
	return strings.HasSuffix(pattern, "/...") && strings.HasPrefix(pkg, tree) && strings.HasPrefix(dep, tree)
}

func dependencies(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", pattern)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pattern, err)
	}
	deps := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		deps[fields[0]] = fields[1:]
	}
	if len(deps) == 0 {
		t.Fatalf("%s has no packages", pattern)
	}
	return deps
}
