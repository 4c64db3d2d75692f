package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"
)

// samParameters are the entries of a samconfig.toml that change what a template means. They stand in one table for each
// environment and command: [default.deploy.parameters].
type samParameters struct {
	Region     string `toml:"region"`
	StackName  string `toml:"stack_name"`
	Parameters any    `toml:"parameter_overrides"` // a text, a list of texts, or a table
}

type samCommands map[string]struct {
	Parameters samParameters `toml:"parameters"`
}

// readSAMConfig applies samconfig.toml, what `sam deploy` would take from it: the command line goes before it. Without
// --config-file a file that is not there is no error.
func (c *config) readSAMConfig() error {
	path := c.configFile
	if path == "" {
		path = filepath.Join(filepath.Dir(c.template), "samconfig.toml")
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && c.configFile == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--config-file: %w", err)
	}
	var environments map[string]toml.Primitive
	meta, err := toml.Decode(string(text), &environments)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, ok := environments[c.configEnv]; !ok {
		if c.configEnv == defaultConfigEnv {
			return nil
		}
		return fmt.Errorf("--config-env: %s has no environment %q", path, c.configEnv)
	}
	var commands samCommands
	if err := meta.PrimitiveDecode(environments[c.configEnv], &commands); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, command := range []string{"deploy", "global"} { // a command's own entries go before the global ones
		if err := c.applySAM(commands[command].Parameters); err != nil {
			return fmt.Errorf("%s: [%s.%s.parameters]: %w", path, c.configEnv, command, err)
		}
	}
	return nil
}

// applySAM takes what nothing before it has set.
func (c *config) applySAM(p samParameters) error {
	if c.region == "" {
		c.region = p.Region
	}
	if c.stack == "" {
		c.stack = p.StackName
	}
	given := config{parameters: map[string]string{}}
	switch overrides := p.Parameters.(type) {
	case nil:
	case string:
		if err := given.addParameters(overrides); err != nil {
			return err
		}
	case []any:
		for _, field := range overrides {
			if err := given.addParameter(fmt.Sprint(field)); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, value := range overrides {
			given.parameters[key] = fmt.Sprint(value)
		}
	default:
		return fmt.Errorf("parameter_overrides is a %T", overrides)
	}
	for key, value := range given.parameters {
		if _, ok := c.parameters[key]; !ok {
			c.parameters[key] = value
		}
	}
	return nil
}
