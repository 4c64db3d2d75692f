package lambdahost

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"strconv"
	"time"
)

// variables are the environment variables of a function: Lambda's own ("Using Lambda environment variables"), the
// template's, and the host's, in this order. Nothing of this process's environment goes along.
// The credentials that functions get. They are made up, in the form of real ones.
const (
	AccessKeyID     = "ASIALOCALRUNTIME0000"
	SecretAccessKey = "local"
)

func variables(p *pool, runtimeAPI string) []string {
	fn := p.fn
	set := map[string]string{
		"_HANDLER":                        fn.Handler,
		"AWS_REGION":                      p.host.opts.Region,
		"AWS_DEFAULT_REGION":              p.host.opts.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      logStream(),
		"AWS_ACCESS_KEY_ID":               AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           SecretAccessKey,
		"AWS_SESSION_TOKEN":               "local",
		"LAMBDA_TASK_ROOT":                "/var/task",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"TZ":                              ":UTC",
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":                 "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	}
	maps.Copy(set, p.program.env)
	for k, v := range fn.Env {
		if p.host.opts.Rewrite != nil {
			v = p.host.opts.Rewrite(v)
		}
		set[k] = v
	}
	for k, v := range p.host.opts.Env {
		set[k] = v
	}
	set["AWS_LAMBDA_RUNTIME_API"] = runtimeAPI
	env := make([]string, 0, len(set))
	for k, v := range set {
		env = append(env, k+"="+v)
	}
	return env
}

func logStream() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return time.Now().UTC().Format("2006/01/02/") + "[$LATEST]" + hex.EncodeToString(b[:])
}
