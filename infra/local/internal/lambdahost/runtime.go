package lambdahost

import (
	_ "embed" // the loops of the interpreted runtimes
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// The loops poll the Runtime API for functions that are not programs of their own, as the managed runtimes' clients do.
var (
	//go:embed runtimes/node.mjs
	nodeLoop string
	//go:embed runtimes/python.py
	pythonLoop string
)

// program is what runs a function: its command line, its code, and what its runtime adds to the environment.
type program struct {
	args []string
	dir  string
	env  map[string]string
}

// programOf finds out how a function is run: its bootstrap, or an interpreter on this machine, of whatever version.
func programOf(fn template.Function, artifact string) (program, error) {
	p := program{dir: artifact}
	family, _, _ := strings.Cut(strings.TrimRight(fn.Runtime, "0123456789.x"), ".")
	switch {
	case family == "nodejs":
		return p.interpreted(fn, "node", "--input-type=module", "--eval", nodeLoop)
	case family == "python":
		return p.interpreted(fn, "python3", "-u", "-c", pythonLoop)
	case fn.Runtime == "" || fn.Runtime == "go1.x" || strings.HasPrefix(fn.Runtime, "provided"):
		bootstrap := filepath.Join(artifact, "bootstrap")
		p.args = []string{bootstrap}
		return p, executable(fn, bootstrap)
	}
	return p, fmt.Errorf("%w: %s: %s; supported are provided.*, go1.x, nodejs* and python*", ErrUnsupported, fn.ID, fn.Runtime)
}

// interpreted runs a loop under an interpreter.
func (p program) interpreted(fn template.Function, interpreter string, args ...string) (program, error) {
	path, err := exec.LookPath(interpreter)
	if err != nil {
		return p, fmt.Errorf("%w: %s: %s needs %s, which is not installed", ErrUnsupported, fn.ID, fn.Runtime, interpreter)
	}
	p.args = append([]string{path}, args...)
	p.env = map[string]string{
		"AWS_EXECUTION_ENV": "AWS_Lambda_" + fn.Runtime, "LAMBDA_TASK_ROOT": p.dir,
		// The interpreter's own libraries are not those of Lambda's image.
		"LD_LIBRARY_PATH": "", "PATH": os.Getenv("PATH"),
	}
	return p, nil
}

func executable(fn template.Function, bootstrap string) error {
	info, err := os.Stat(bootstrap)
	if err != nil {
		return fmt.Errorf("lambdahost: %s: %w", fn.ID, err)
	}
	if info.Mode()&0o111 == 0 || info.IsDir() {
		return fmt.Errorf("lambdahost: %s: %s is not executable", fn.ID, bootstrap)
	}
	return nil
}
