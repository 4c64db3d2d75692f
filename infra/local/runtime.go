package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/disclone/disclone/infra/local/internal/builder"
	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/eventsource"
	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/lambdahost"
	"github.com/disclone/disclone/infra/local/internal/localca"
	"github.com/disclone/disclone/infra/local/internal/provision"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// shutdownTime is how long connections, functions and requests have to end after Ctrl-C.
const shutdownTime = 5 * time.Second

// runtime is one run of a template.
type runtime struct {
	cfg       config
	clock     clock.Clock
	ca        *localca.CA // nil without --tls
	printer   *printer
	endpoints *endpoints
	app       *template.App
	host      *lambdahost.Host
	gateways  []*served
	servers   []*http.Server

	mu    sync.Mutex        // guards app and built, which a reload changes
	built map[string]string // artifact directories by function
}

// served is one WebSocket API on a port of its own.
type served struct {
	apiID   string // the id in the host name that AWS would give it
	domain  string // host:port
	url     string // http://host:port, or https
	gateway *gateway.Gateway
	ln      net.Listener
}

// socketURL is the API's address for WebSocket clients.
func (s *served) socketURL() string { return "ws" + strings.TrimPrefix(s.url, "http") }

// run starts everything, says that it is ready, and stays until ctx ends. Whatever it started has ended when it returns.
func run(ctx context.Context, args []string, out io.Writer) error {
	cfg, err := parseFlags(args, out)
	if err != nil {
		return err
	}
	r := &runtime{cfg: cfg, clock: clock.Fast(cfg.speed), printer: newPrinter(out, cfg.quiet), built: map[string]string{}}
	defer r.printer.Close()
	group, ctx := errgroup.WithContext(ctx)
	if err := r.start(ctx, group); err != nil {
		return errors.Join(err, r.stop(), ignoreCanceled(group.Wait()))
	}
	<-ctx.Done()
	return errors.Join(r.stop(), ignoreCanceled(group.Wait()))
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (r *runtime) start(ctx context.Context, group *errgroup.Group) error {
	var err error
	if r.endpoints, err = openEndpoints(r.cfg, r.clock); err != nil {
		return err
	}
	if r.app, err = r.load(); err != nil {
		return err
	}
	if r.cfg.tls {
		if r.ca, err = localca.Open(filepath.Join(filepath.Dir(r.cfg.template), ".local", "ca")); err != nil {
			return err
		}
	}
	if err := r.listenGateways(); err != nil {
		return err
	}
	r.host = lambdahost.New(&lambdahost.Options{
		Region: r.cfg.region, AccountID: accountID, Env: r.functionEnv(), Rewrite: r.localize,
		Output: r.printer.functionOutput, Observer: r.printer.invocation, Chaos: r.cfg.chaos,
	})
	r.endpoints.handler.Handle("/2015-03-31/", r.host.Handler())
	r.openConsole()
	r.serve(group, r.endpoints.listener, r.endpoints.handler)
	if err := r.provision(ctx); err != nil {
		return err
	}
	if err := r.build(ctx, r.app.Functions); err != nil {
		return err
	}
	if err := r.openGateways(group); err != nil {
		return err
	}
	if err := r.poll(ctx, group); err != nil {
		return err
	}
	watcher, err := builder.NewWatcher(r.cfg.template)
	if err != nil {
		return err
	}
	if err := watcher.Set(ctx, r.functions()); err != nil {
		return errors.Join(err, watcher.Close())
	}
	group.Go(func() error { return r.watch(ctx, watcher) })
	r.printReady()
	return nil
}

// load reads the template. What AWS would refuse, it refuses.
func (r *runtime) load() (*template.App, error) {
	app, err := template.Load(r.cfg.template, &template.Options{
		Region: r.cfg.region, AccountID: accountID, StackName: r.cfg.stack,
		Parameters: r.cfg.parameters, Imports: r.cfg.imports, SQSEndpoint: r.endpoints.dataURL,
	})
	if err != nil {
		return nil, err
	}
	r.printer.notices(app.Notices)
	if mistakes := app.Mistakes(); len(mistakes) > 0 {
		return nil, fmt.Errorf("%s: AWS would refuse this template: %d mistakes, listed above", r.cfg.template, len(mistakes))
	}
	if len(app.APIs) == 0 {
		return nil, fmt.Errorf("%s has no WebSocket API", r.cfg.template)
	}
	for i := range app.Functions {
		r.addEnvVars(&app.Functions[i])
	}
	return app, nil
}

// addEnvVars applies --env-vars to a function.
func (r *runtime) addEnvVars(fn *template.Function) {
	for _, key := range []string{"", fn.ID, fn.Name} {
		for k, v := range r.cfg.env[key] {
			if fn.Env == nil {
				fn.Env = map[string]string{}
			}
			fn.Env[k] = v
		}
	}
}

// listenGateways takes a port for each API. The functions are told of it, so it comes before them.
func (r *runtime) listenGateways() error {
	for i, api := range r.app.APIs {
		offset := 0
		if i > 0 {
			offset = i + 1 // the endpoints have the port after the first
		}
		ln, err := listen(r.cfg.host, above(r.cfg.port, offset))
		if err != nil {
			return err
		}
		s, err := r.secure(&served{apiID: api.APIID, domain: ln.Addr().String(), url: "http://" + ln.Addr().String(), ln: ln})
		if err != nil {
			return errors.Join(err, ln.Close())
		}
		r.gateways = append(r.gateways, s)
	}
	return nil
}

// secure puts TLS before an API, if that was asked for. Its name is then localhost, which the certificate is for.
func (r *runtime) secure(s *served) (*served, error) {
	if r.ca == nil {
		return s, nil
	}
	config, err := r.ca.Server()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(s.domain)
	if err != nil {
		return nil, err
	}
	s.domain = net.JoinHostPort("localhost", port)
	s.url, s.ln = "https://"+s.domain, tls.NewListener(s.ln, config)
	return s, nil
}

func (r *runtime) openGateways(group *errgroup.Group) error {
	var quota *gateway.Quota
	if r.cfg.throttle {
		quota = gateway.NewQuota()
	}
	for i, s := range r.gateways {
		opts := &gateway.Options{
			Region: r.cfg.region, AccountID: accountID, DomainName: s.domain, Observer: r.printer.requestOf(r.app.APIs[i].ID),
			Trace: r.printer.trace, APIKeys: r.cfg.apiKeys, AccessKeys: r.cfg.accessKeys, CheckSignatures: r.cfg.signatures,
			Compress: r.cfg.compress, Quota: quota, Clock: r.clock, Chaos: r.cfg.chaos,
		}
		if i == 0 && r.cfg.staticDir != "" {
			opts.Static = r.static()
		}
		gw, err := gateway.New(&r.app.APIs[i], r.host, opts)
		if err != nil {
			return err
		}
		r.mu.Lock()
		s.gateway = gw // the console may be looking
		r.mu.Unlock()
		r.serve(group, s.ln, gw)
	}
	return nil
}

// maxHeaders is the most bytes of a request's line and headers (API Gateway quota of 10,240 bytes).
const maxHeaders = 10_240

func (r *runtime) serve(group *errgroup.Group, ln net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeaders}
	r.servers = append(r.servers, server)
	group.Go(func() error { return ignoreCanceled(server.Serve(ln)) })
}

// functionEnv points the SDKs in the functions here.
func (r *runtime) functionEnv() map[string]string {
	env := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB":                r.endpoints.dataURL,
		"AWS_ENDPOINT_URL_DYNAMODB_STREAMS":        r.endpoints.dataURL,
		"AWS_ENDPOINT_URL_SQS":                     r.endpoints.dataURL,
		"AWS_ENDPOINT_URL_LAMBDA":                  r.endpoints.url,
		"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": r.stageURL(),
	}
	if r.ca != nil {
		env["AWS_CA_BUNDLE"], env["NODE_EXTRA_CA_CERTS"] = r.ca.File, r.ca.File
	}
	return env
}

// stageURL is the first API's first stage over HTTP: where its @connections are.
func (r *runtime) stageURL() string {
	url := r.gateways[0].url
	if stages := r.app.APIs[0].Stages; len(stages) > 0 {
		url += "/" + stages[0].Name
	}
	return url
}

// localize turns the addresses that AWS would give the APIs into those of this machine.
func (r *runtime) localize(value string) string {
	for _, s := range r.gateways {
		domain := fmt.Sprintf("://%s.execute-api.%s.amazonaws.com", s.apiID, r.cfg.region)
		value = strings.ReplaceAll(value, "https"+domain, s.url)
		value = strings.ReplaceAll(value, "wss"+domain, s.socketURL())
	}
	return value
}

func (r *runtime) provision(ctx context.Context) error {
	db, queues := r.endpoints.clients(r.cfg.region)
	if err := provision.Tables(ctx, db, r.app.Tables); err != nil {
		return err
	}
	return provision.Queues(ctx, queues, r.app.Queues)
}

// build builds functions in parallel and (re)defines them. One that does not build keeps its old binary.
func (r *runtime) build(ctx context.Context, fns []template.Function) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(buildParallel)
	for _, fn := range fns {
		group.Go(func() error {
			artifact, err := builder.Build(ctx, fn, &builder.Options{OutDir: r.cfg.buildDir})
			if err != nil {
				return err
			}
			r.mu.Lock()
			r.built[fn.ID] = artifact
			r.mu.Unlock()
			return r.host.Set(fn, artifact)
		})
	}
	return group.Wait()
}

// buildParallel is how many builds run at a time; the go command is parallel by itself.
const buildParallel = 4

func (r *runtime) poll(ctx context.Context, group *errgroup.Group) error {
	_, queues := r.endpoints.clients(r.cfg.region)
	poller, err := eventsource.New(r.app, queues, r.host, &eventsource.Options{
		Clock: r.clock, Chaos: r.cfg.chaos, StreamsURL: r.endpoints.dataURL,
	})
	if err != nil {
		return err
	}
	group.Go(func() error { return ignoreCanceled(poller.Run(ctx)) })
	return nil
}

// stop ends everything in the reverse order of its start; also what a start that failed halfway has left.
func (r *runtime) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	var errs []error
	for _, s := range r.gateways {
		if s.gateway != nil {
			errs = append(errs, s.gateway.Shutdown(ctx))
		} else {
			errs = append(errs, s.ln.Close())
		}
	}
	if r.host != nil {
		errs = append(errs, r.host.Close(ctx))
	}
	for _, server := range slices.Backward(r.servers) {
		errs = append(errs, server.Close())
	}
	if r.endpoints != nil {
		errs = append(errs, r.endpoints.close())
	}
	return errors.Join(errs...)
}
