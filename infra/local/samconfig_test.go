package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samconfig.toml says what sam deploy would take from it; the command line goes before it.
func TestSAMConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	template := write("template.yaml", "")
	write("samconfig.toml", `version = 0.1
[default.global.parameters]
stack_name = "chat"
region = "eu-west-1"
parameter_overrides = "A=global D=global"
[default.deploy.parameters]
parameter_overrides = "A=1 B='two words'"
[list.deploy.parameters]
region = "eu-north-1"
parameter_overrides = ["A=3", "ParameterKey=B,ParameterValue=4"]
[table.deploy.parameters.parameter_overrides]
A = 5
B = true
`)
	other := write("other.toml", "[default.deploy.parameters]\nregion = \"sa-east-1\"\n")
	type result struct {
		Region, Stack string
		Parameters    map[string]string
	}
	for name, tc := range map[string]struct {
		args []string
		want result
	}{
		"default": {nil, result{"eu-west-1", "chat", map[string]string{"A": "1", "B": "two words", "D": "global"}}},
		"command line": {[]string{"--region", "us-west-2", "--stack-name", "x", "--parameter-overrides", "A=9"},
			result{"us-west-2", "x", map[string]string{"A": "9", "B": "two words", "D": "global"}}},
		"list":  {[]string{"--config-env", "list"}, result{"eu-north-1", "local", map[string]string{"A": "3", "B": "4"}}},
		"table": {[]string{"--config-env", "table"}, result{"us-east-1", "local", map[string]string{"A": "5", "B": "true"}}},
		"file":  {[]string{"--config-file", other}, result{"sa-east-1", "local", map[string]string{}}},
	} {
		cfg, err := parseFlags(append([]string{"--template", template}, tc.args...), io.Discard)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tc.want, result{cfg.region, cfg.stack, cfg.parameters}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	broken := write("broken.toml", "x = [")
	for _, args := range [][]string{{"--config-env", "prod"}, {"--config-file", "nowhere.toml"}, {"--config-file", broken}} {
		if _, err := parseFlags(append([]string{"--template", template}, args...), io.Discard); err == nil || !strings.Contains(err.Error(), "toml") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
