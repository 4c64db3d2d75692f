package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParameterOverrides(t *testing.T) {
	t.Parallel()
	want := map[string]string{"A": "1", "B": "two words", "C": "x=y"}
	for name, args := range map[string][]string{
		"one argument":      {"--parameter-overrides", `A=1 B="two words" C=x=y`},
		"several arguments": {"--parameter-overrides", "A=1", "B=two words", "C=x=y", "--quiet"},
		"repeated":          {"--parameter-overrides", "A=1", "--parameter-overrides", "'B=two words' C=x=y"},
		"long form":         {"--parameter-overrides", `ParameterKey=A,ParameterValue=1 "ParameterKey=B,ParameterValue=two words" ParameterKey=C,ParameterValue=x=y`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := parseFlags(args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, cfg.parameters); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "env.json")
	if err := os.WriteFile(bad, []byte(`{"A":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"serve"}, `unknown argument "serve"`},
		{[]string{"--port", "70000"}, "--port 70000"},
		{[]string{"--parameter-overrides", "A"}, "want Key=Value"},
		{[]string{"--env-vars", bad}, "want {"},
		{[]string{"--env-vars", bad + "x"}, "no such file"},
		{[]string{"--static-dir", bad}, "no such directory"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			t.Parallel()
			if _, err := parseFlags(tc.args, io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestEnvVarsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env.json")
	if err := os.WriteFile(path, []byte(`{"Parameters":{"LEVEL":"debug"},"Fn":{"N":3,"B":true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := parseFlags([]string{"-n", path}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{"": {"LEVEL": "debug"}, "Fn": {"N": "3", "B": "true"}}
	if diff := cmp.Diff(want, cfg.env); diff != "" {
		t.Error(diff)
	}
}
