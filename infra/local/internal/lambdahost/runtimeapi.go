package lambdahost

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

const apiPrefix = "/2018-06-01/runtime/"

// serve is the Runtime API of one process: GET invocation/next, and POST of its response or error. It speaks HTTP/1.1
// over the standard library's parser and no server, as it has one client, which asks one thing at a time.
func (e *environment) serve(proc *process) {
	for {
		conn, err := proc.ln.Accept()
		if err != nil {
			return // the process has ended
		}
		go e.serveConn(proc, conn)
	}
}

func (e *environment) serveConn(proc *process, conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 8*1024)
	out := bufio.NewWriterSize(conn, 8*1024)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if err := e.answer(proc, out, req); err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body) // what is left of it
		if err := out.Flush(); err != nil {
			return
		}
	}
}

func (e *environment) answer(proc *process, out *bufio.Writer, req *http.Request) error {
	path, ok := strings.CutPrefix(req.URL.Path, apiPrefix)
	id, what, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
	switch {
	case ok && req.Method == http.MethodGet && path == "invocation/next":
		return e.next(proc, out)
	case ok && req.Method == http.MethodPost && path == "init/error":
		body, err := io.ReadAll(io.LimitReader(req.Body, MaxPayload))
		if err != nil {
			return err
		}
		proc.initError.Store(&body)
		return status(out, http.StatusAccepted, `{"status":"OK"}`)
	case ok && req.Method == http.MethodPost && (what == "response" || what == "error"):
		return e.finish(out, req, id, what == "error")
	}
	return status(out, http.StatusNotFound, `{"errorMessage":"unknown path","errorType":"InvalidPath"}`)
}

// next waits for an invocation and gives it to the process.
func (e *environment) next(proc *process, out *bufio.Writer) error {
	proc.polling.Store(true)
	proc.once.Do(func() { close(proc.ready) })
	var inv *invocation
	select {
	case inv = <-proc.work:
		proc.polling.Store(false)
	case <-proc.exited:
		return errors.New("the process has ended")
	}
	fn := e.pool.fn
	fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"Lambda-Runtime-Aws-Request-Id: %s\r\nLambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: %s\r\n"+
		"Lambda-Runtime-Trace-Id: Root=1-%08x-%s;Sampled=0\r\n\r\n",
		len(inv.payload), inv.id, inv.deadline.UnixMilli(), fn.ARN, inv.deadline.Unix(), strings.ReplaceAll(inv.id, "-", "")[:24])
	_, err := out.Write(inv.payload)
	return err
}

// finish takes the result of the current invocation. Any answer but 202 makes aws-lambda-go exit.
func (e *environment) finish(out *bufio.Writer, req *http.Request, id string, failed bool) error {
	body, err := io.ReadAll(io.LimitReader(req.Body, MaxPayload+1))
	if err != nil {
		return err
	}
	inv := e.running(id)
	if inv == nil {
		return status(out, http.StatusBadRequest, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
	}
	r := reply{body: body, failed: failed, outcome: "ok"}
	switch {
	case failed:
		r.outcome = "error"
	case req.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "": // a stream that broke off
		r = failure(id, req.Trailer.Get("Lambda-Runtime-Function-Error-Type"), "the response stream failed")
	case len(body) > MaxPayload:
		r = failure(id, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size ("+strconv.Itoa(MaxPayload)+" bytes).")
	}
	select {
	case inv.done <- r:
	default: // a second reply
	}
	return status(out, http.StatusAccepted, `{"status":"OK"}`)
}

func status(out *bufio.Writer, code int, body string) error {
	_, err := fmt.Fprintf(out, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		code, http.StatusText(code), len(body), body)
	return err
}
