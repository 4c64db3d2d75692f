package sqs

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs/internal/wire"
)

const (
	jsonType = "application/x-amz-json-1.0"
	formType = "application/x-www-form-urlencoded"
	xmlSpace = "http://queue.amazonaws.com/doc/2012-11-05/"
)

func isJSON(r *http.Request) bool {
	return r.Header.Get("X-Amz-Target") != "" || strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json")
}

// jsonCodec is the protocol of today's SDKs, AWS JSON 1.0.
type jsonCodec struct{}

func (jsonCodec) read(r *http.Request, body []byte) (string, func(*wire.Shape, any) error, error) {
	service, name, err := awsjson.Target(r)
	if err != nil || service != "AmazonSQS" {
		return "", nil, fail("UnknownOperationException", "The target %s is not valid for this endpoint.", r.Header.Get("X-Amz-Target"))
	}
	return name, func(in *wire.Shape, into any) error {
		n, err := awsjson.Parse(string(body))
		if err != nil {
			return badRequest(err)
		}
		if err := in.ReadJSON(&n, into); err != nil {
			return badRequest(err)
		}
		return nil
	}, nil
}

func (jsonCodec) write(w http.ResponseWriter, _ string, out *wire.Shape, v any) {
	awsjson.Write(w, jsonType, http.StatusOK, out.AppendJSON(make([]byte, 0, 512), v))
}

func (jsonCodec) fail(w http.ResponseWriter, e *apiError) {
	prefix := "com.amazonaws.sqs#"
	if e.coral {
		prefix = "com.amazon.coral.service#"
	}
	w.Header().Set("x-amzn-query-error", e.code+";"+blame(e))
	awsjson.WriteError(w, jsonType, &awsjson.Error{Type: prefix + e.name, Message: e.message, Status: e.status})
}

// blame says whose fault an error is, in the words of the query protocol.
func blame(e *apiError) string {
	if e.status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// queryCodec is the protocol of older SDKs and of curl: a form, by POST or in the URL, and XML.
type queryCodec struct{}

// ignored are the parameters that belong to the protocol or to signatures, which nothing here checks.
var ignored = []string{"Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "Expires", "SecurityToken"}

func (queryCodec) read(r *http.Request, body []byte) (string, func(*wire.Shape, any) error, error) {
	if fromPage(r) {
		return "", nil, fail("AccessDeniedException", "the embedded SQS takes no forms from pages of a browser")
	}
	form, err := parseForm(r, body)
	if err != nil {
		return "", nil, badRequest(err)
	}
	name := form.Get("Action")
	if name == "" {
		return "", nil, fail("UnknownOperationException", "The request names no operation: neither X-Amz-Target nor Action.")
	}
	if v := form.Get("Version"); v != "" && v != "2012-11-05" {
		return "", nil, fail("UnsupportedOperation", "the Version %s is not supported by the embedded SQS, 2012-11-05 is", v)
	}
	for _, key := range ignored {
		form.Del(key)
	}
	for key := range form {
		if strings.HasPrefix(key, "X-Amz-") {
			form.Del(key)
		}
	}
	if queue := strings.Trim(r.URL.Path, "/"); queue != "" && form.Get("QueueUrl") == "" {
		form.Set("QueueUrl", r.URL.Path)
	}
	return name, func(in *wire.Shape, into any) error {
		if err := in.ReadForm(form, into); err != nil {
			return badRequest(err)
		}
		return nil
	}, nil
}

// fromPage says that a browser's page sent the request. A page of anybody can make a browser send a form to this machine,
// and must not be able to change queues.
func fromPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || (site != "" && site != "none")
}

// parseForm reads the parameters of the body and those of the URL.
func parseForm(r *http.Request, body []byte) (url.Values, error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return form, nil
	}
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, formType) {
		return nil, fail("UnsupportedOperation", "a body of type %q is not supported by the embedded SQS, %s and %s are", kind, jsonType, formType)
	}
	posted, err := url.ParseQuery(string(body))
	for key, values := range posted {
		form[key] = values
	}
	return form, err
}

func (queryCodec) write(w http.ResponseWriter, name string, out *wire.Shape, v any) {
	b := []byte(`<?xml version="1.0"?><` + name + `Response xmlns="` + xmlSpace + `">`)
	if !out.Empty() {
		b = append(b, "<"+name+"Result>"...)
		b = append(out.AppendXML(b, v), "</"+name+"Result>"...)
	}
	b = append(b, "<ResponseMetadata>"...)
	b = wire.AppendElement(b, "RequestId", w.Header().Get("X-Amzn-Requestid"))
	b = append(b, "</ResponseMetadata></"+name+"Response>"...)
	writeXML(w, http.StatusOK, b)
}

func (queryCodec) fail(w http.ResponseWriter, e *apiError) {
	message := e.message
	if e.name == "QueueDoesNotExist" {
		message = "The specified queue does not exist for this wsdl version."
	}
	b := []byte(`<?xml version="1.0"?><ErrorResponse xmlns="` + xmlSpace + `"><Error>`)
	b = wire.AppendElement(b, "Type", blame(e))
	b = wire.AppendElement(b, "Code", e.code)
	b = wire.AppendElement(b, "Message", message)
	b = append(b, "<Detail/></Error>"...)
	b = wire.AppendElement(b, "RequestId", w.Header().Get("X-Amzn-Requestid"))
	writeXML(w, e.status, append(b, "</ErrorResponse>"...))
}

func writeXML(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone if this fails
}
