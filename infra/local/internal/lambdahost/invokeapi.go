package lambdahost

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// asyncTries is how often an asynchronous invocation is tried: once and two retries (Lambda Developer Guide).
const asyncTries = 3

// throttledPause is the time between two tries of a throttled asynchronous invocation.
const throttledPause = 100 * time.Millisecond

// Handler is the Lambda service's Invoke API, for `aws lambda invoke --endpoint-url` and SDK clients:
// POST /2015-03-31/functions/{name}/invocations with the invocation types RequestResponse, Event and DryRun. A retry of
// an Event follows at once; AWS waits a minute or two.
func (h *Host) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	return mux
}

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		return // the client is gone
	}
	name := strings.TrimSuffix(r.PathValue("name"), ":$LATEST")
	if _, err := h.pool(name); err != nil {
		writeError(w, err)
		return
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if len(payload) <= MaxPayload && !json.Valid(payload) {
		writeCoded(w, http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json")
		return
	}
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		h.serveSync(w, r, name, payload)
	case "Event":
		go h.invokeAsync(name, payload)
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	default:
		writeCoded(w, http.StatusBadRequest, "InvalidParameterValueException", "unknown invocation type "+kind)
	}
}

func (h *Host) serveSync(w http.ResponseWriter, r *http.Request, name string, payload []byte) {
	var logs *tail
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		logs = &tail{}
	}
	response, functionError, err := h.invoke(r.Context(), name, payload, logs)
	if err != nil {
		writeError(w, err)
		return
	}
	if logs != nil {
		logs.settle()
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(logs.String())))
	}
	if functionError != "" {
		w.Header().Set("X-Amz-Function-Error", functionError)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(response) // the client is gone if this fails
}

// invokeAsync outlives the request that asked for it. A throttled try does not count, as on AWS.
func (h *Host) invokeAsync(name string, payload []byte) {
	var throttled *Throttled
	for try := 0; try < asyncTries; {
		_, functionError, err := h.Invoke(context.Background(), name, payload)
		switch {
		case errors.As(err, &throttled):
			time.Sleep(throttledPause)
			continue
		case err != nil || functionError == "":
			return // done, or nothing that another try changes
		}
		try++
	}
}

func writeError(w http.ResponseWriter, err error) {
	var throttled *Throttled
	switch {
	case errors.Is(err, ErrUnknownFunction):
		writeCoded(w, http.StatusNotFound, "ResourceNotFoundException", err.Error())
	case errors.Is(err, ErrTooLarge):
		writeCoded(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", err.Error())
	case errors.As(err, &throttled):
		writeCoded(w, http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	default:
		writeCoded(w, http.StatusInternalServerError, "ServiceException", err.Error())
	}
}

func writeCoded(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": message}) // the client is gone if this fails
}
