package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/lambdahost"
)

// config is what the command line says. The flags carry the names people know from `sam local start-api`.
type config struct {
	template    string
	host        string
	port        int
	region      string
	stack       string
	envVars     string
	staticDir   string
	endpointURL string
	buildDir    string
	quiet       bool
	tls         bool
	compress    bool
	throttle    bool
	signatures  bool
	speed       float64
	chaos       *chaos.Chaos
	faulty      bool // --chaos was given
	configFile  string
	configEnv   string
	imports     map[string]string
	apiKeys     []string
	accessKeys  map[string]string // secrets by access key id
	parameters  map[string]string
	env         map[string]map[string]string // by function, "" for all
}

// defaultConfigEnv is the environment that sam takes unless it is told another.
const defaultConfigEnv = "default"

// maxSpeed is the fastest that waits may pass: two hours in under a second.
const maxSpeed = 10_000

// maxPort is the highest port that leaves room for the endpoints' port above it.
const maxPort = 65_000

func parseFlags(args []string, out io.Writer) (config, error) {
	cfg := config{parameters: map[string]string{}, imports: map[string]string{}, chaos: chaos.New(1), accessKeys: maps.Clone(localKeys)}
	fs := flag.NewFlagSet("local", flag.ContinueOnError)
	fs.SetOutput(out)
	both := func(p *string, long, short, value, usage string) {
		fs.StringVar(p, long, value, usage)
		fs.StringVar(p, short, value, "short for -"+long)
	}
	both(&cfg.template, "template", "t", "template.yaml", "the SAM template to run")
	both(&cfg.envVars, "env-vars", "n", "", "a JSON `file` of environment variables: {\"Function\":{\"K\":\"V\"}} or {\"Parameters\":{...}}")
	both(&cfg.staticDir, "static-dir", "s", "", "a `directory` of static files to serve at /")
	fs.StringVar(&cfg.host, "host", "127.0.0.1", "the address to listen on")
	fs.IntVar(&cfg.port, "port", 3001, "the gateway's port; the AWS endpoints take the next one; 0 picks free ones")
	fs.IntVar(&cfg.port, "p", 3001, "short for -port")
	fs.Func("parameter-overrides", "template parameters, `\"Key=Value Key2=Value2\"`; may be given several times", cfg.addParameters)
	fs.StringVar(&cfg.region, "region", "", "the AWS region to pretend; samconfig.toml's, or us-east-1, if empty")
	fs.StringVar(&cfg.stack, "stack-name", "", "what AWS::StackName says; samconfig.toml's, or local, if empty")
	fs.StringVar(&cfg.configFile, "config-file", "", "a samconfig.toml `file`; the one beside the template if empty")
	fs.StringVar(&cfg.configEnv, "config-env", defaultConfigEnv, "the environment of samconfig.toml")
	fs.Func("import", "what Fn::ImportValue gives for an export, `NAME=VALUE`; may be given several times", cfg.addImport)
	fs.StringVar(&cfg.endpointURL, "endpoint-url", "", "use DynamoDB and SQS at this `URL` (LocalStack, for example) instead of the embedded ones")
	fs.StringVar(&cfg.buildDir, "build-dir", "", "where built functions are kept; .local/build beside the template if empty")
	fs.BoolVar(&cfg.quiet, "quiet", false, "print no line for each invocation")
	fs.BoolVar(&cfg.tls, "tls", false, "serve wss and https on localhost, under a local authority in .local/ca beside the template")
	fs.BoolVar(&cfg.compress, "compress", false, "agree to permessage-deflate with clients that offer it")
	fs.BoolVar(&cfg.throttle, "throttle", false, "hold AWS's default account quotas and the stages' throttling settings")
	fs.BoolVar(&cfg.signatures, "check-signatures", false, "ask for a valid SigV4 signature of requests to @connections")
	fs.Float64Var(&cfg.speed, "speed", 1, "how fast the time of waits runs: at 60 two hours last two minutes")
	fs.Func("chaos", "inject faults, `\"seed=1,latency=20ms,kill=0.01,post-410=0.05\"`: "+faultNames(), cfg.setChaos)
	fs.Func("api-key", "an API `key` that routes with ApiKeyRequired take; may be given several times", cfg.addAPIKey)
	fs.Func("access-key", "an `ID=SECRET` that AWS_IAM takes, beside local=local; may be given several times", cfg.addAccessKey)
	if err := parseAll(fs, args, &cfg); err != nil {
		return cfg, err
	}
	return cfg, cfg.finish()
}

// parseAll parses flags, and takes bare Key=Value arguments between them as parameters: sam lets several follow
// --parameter-overrides.
func parseAll(fs *flag.FlagSet, args []string, cfg *config) error {
	for {
		if err := fs.Parse(args); err != nil {
			return err
		}
		if fs.NArg() == 0 {
			return nil
		}
		if !strings.Contains(fs.Arg(0), "=") {
			return fmt.Errorf("unknown argument %q; try --help", fs.Arg(0))
		}
		if err := cfg.addParameter(fs.Arg(0)); err != nil {
			return err
		}
		args = fs.Args()[1:]
	}
}

// localKeys are the access keys that the runtime itself hands out: to its functions, and in what it prints.
var localKeys = map[string]string{"local": "local", lambdahost.AccessKeyID: lambdahost.SecretAccessKey}

func faultNames() string {
	var names []string
	for _, f := range chaos.Faults() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

func (c *config) setChaos(text string) (err error) {
	c.chaos, err = chaos.Parse(text)
	c.faulty = err == nil
	return err
}

func (c *config) addImport(field string) error {
	name, value, ok := strings.Cut(field, "=")
	if !ok || name == "" {
		return errors.New("want NAME=VALUE")
	}
	c.imports[name] = value
	return nil
}

func (c *config) addAPIKey(key string) error {
	if key == "" {
		return errors.New("want a key")
	}
	c.apiKeys = append(c.apiKeys, key)
	return nil
}

func (c *config) addAccessKey(field string) error {
	id, secret, ok := strings.Cut(field, "=")
	if !ok || id == "" || secret == "" {
		return errors.New("want ID=SECRET")
	}
	c.accessKeys[id] = secret
	return nil
}

func (c *config) finish() error {
	if !(c.speed >= 1 && c.speed <= maxSpeed) {
		return fmt.Errorf("--speed %v: want 1 to %d", c.speed, maxSpeed)
	}
	if c.port < 0 || c.port > maxPort {
		return fmt.Errorf("--port %d: want 0 to %d", c.port, maxPort)
	}
	path, err := filepath.Abs(c.template)
	if err != nil {
		return fmt.Errorf("--template: %w", err)
	}
	c.template = path
	if err := c.readSAMConfig(); err != nil {
		return err
	}
	c.region, c.stack = cmp.Or(c.region, "us-east-1"), cmp.Or(c.stack, "local")
	if c.buildDir == "" {
		c.buildDir = filepath.Join(filepath.Dir(path), ".local", "build")
	}
	if c.staticDir != "" {
		if info, err := os.Stat(c.staticDir); err != nil || !info.IsDir() {
			return fmt.Errorf("--static-dir %s: no such directory", c.staticDir)
		}
	}
	c.env, err = readEnvVars(c.envVars)
	return err
}

// addParameters takes "Key=Value Key2='a b'" and sam's longer "ParameterKey=Key,ParameterValue=Value".
func (c *config) addParameters(s string) error {
	for _, field := range splitQuoted(s) {
		if err := c.addParameter(field); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) addParameter(field string) error {
	separator := "="
	rest, long := strings.CutPrefix(field, "ParameterKey=")
	if long {
		separator = ",ParameterValue="
	}
	key, value, ok := strings.Cut(rest, separator)
	if !ok || key == "" {
		return fmt.Errorf("%q: want Key=Value", field)
	}
	c.parameters[key] = value
	return nil
}

// splitQuoted splits at spaces outside quotes, and takes the quotes away.
func splitQuoted(s string) []string {
	var fields []string
	var field strings.Builder
	var quote rune
	started := false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, started = r, true
		case quote == 0 && (r == ' ' || r == '\n' || r == '\t'):
			if started {
				fields = append(fields, field.String())
			}
			field.Reset()
			started = false
		default:
			field.WriteRune(r)
			started = true
		}
	}
	if started {
		fields = append(fields, field.String())
	}
	return fields
}

// readEnvVars reads sam's --env-vars file. The key "Parameters" stands for every function.
func readEnvVars(path string) (map[string]map[string]string, error) {
	env := map[string]map[string]string{}
	if path == "" {
		return env, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--env-vars: %w", err)
	}
	var file map[string]map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("--env-vars %s: want {\"Function\":{\"KEY\":\"VALUE\"}}: %w", path, err)
	}
	for fn, vars := range file {
		if fn == "Parameters" {
			fn = ""
		}
		env[fn] = map[string]string{}
		for k, v := range vars {
			env[fn][k] = fmt.Sprint(v)
		}
	}
	return env, nil
}
