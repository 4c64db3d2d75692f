package sqs

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs/internal/wire"
)

// apiError is an error of SQS. The two protocols name most errors differently.
type apiError struct {
	name    string // in the JSON protocol, for example QueueDoesNotExist
	code    string // in the query protocol and in x-amzn-query-error, for example AWS.SimpleQueueService.NonExistentQueue
	message string
	status  int
	coral   bool // the name is one of AWS's framework, not of SQS
}

// Error gives the code and the message.
func (e *apiError) Error() string { return e.code + ": " + e.message }

const servicePrefix = "AWS.SimpleQueueService."

// faults are the errors whose code in the query protocol is not their name, or whose status is not 400 (SQS's service
// model, awsQueryError).
var faults = map[string]apiError{
	"BatchEntryIdsNotDistinct":          {code: servicePrefix + "BatchEntryIdsNotDistinct"},
	"BatchRequestTooLong":               {code: servicePrefix + "BatchRequestTooLong"},
	"EmptyBatchRequest":                 {code: servicePrefix + "EmptyBatchRequest"},
	"InvalidBatchEntryId":               {code: servicePrefix + "InvalidBatchEntryId"},
	"MessageNotInflight":                {code: servicePrefix + "MessageNotInflight"},
	"PurgeQueueInProgress":              {code: servicePrefix + "PurgeQueueInProgress", status: http.StatusForbidden},
	"QueueDeletedRecently":              {code: servicePrefix + "QueueDeletedRecently"},
	"QueueDoesNotExist":                 {code: servicePrefix + "NonExistentQueue"},
	"QueueNameExists":                   {code: "QueueAlreadyExists"},
	"TooManyEntriesInBatchRequest":      {code: servicePrefix + "TooManyEntriesInBatchRequest"},
	"UnsupportedOperation":              {code: servicePrefix + "UnsupportedOperation"},
	"OverLimit":                         {status: http.StatusForbidden},
	"ReceiptHandleIsInvalid":            {status: http.StatusNotFound},
	"ResourceNotFoundException":         {status: http.StatusNotFound},
	"AccessDeniedException":             {code: "AccessDenied", status: http.StatusForbidden, coral: true},
	"InternalFailure":                   {status: http.StatusInternalServerError, coral: true},
	"InvalidParameterValueException":    {code: "InvalidParameterValue", coral: true},
	"MissingRequiredParameterException": {code: "MissingParameter", coral: true},
	"SerializationException":            {code: "MalformedInput", coral: true},
	"UnknownOperationException":         {code: "InvalidAction", coral: true},
}

// fail makes an error of its name in the JSON protocol.
func fail(name, format string, args ...any) error {
	e := faults[name]
	e.name, e.message = name, fmt.Sprintf(format, args...)
	if e.code == "" {
		e.code = name
	}
	if e.status == 0 {
		e.status = http.StatusBadRequest
	}
	return &e
}

func invalid(format string, args ...any) error {
	return fail("InvalidParameterValueException", format, args...)
}

func missing(name string) error {
	return fail("MissingRequiredParameterException", "The request must contain the parameter %s.", name)
}

func unknownAttribute(name string) error {
	return fail("InvalidAttributeName", "Unknown Attribute %s.", name)
}

// asAPI gives the error that a client sees: one that is none of SQS is an internal failure.
func asAPI(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	_ = errors.As(fail("InternalFailure", "internal failure"), &e) // fail gives nothing else
	return e
}

// badRequest says what is wrong with a request that does not have the form of its operation.
func badRequest(err error) error {
	var known *apiError
	if errors.As(err, &known) {
		return err
	}
	var unknown *wire.UnknownError
	if errors.As(err, &unknown) {
		return fail("UnsupportedOperation", "the parameter %s is not supported by the embedded SQS", unknown.Name)
	}
	var wrong *wire.TypeError
	if errors.As(err, &wrong) {
		return fail("SerializationException", "%s can not be converted: it is %s, not %s", wrong.Name, wrong.Value, wrong.Want)
	}
	return fail("SerializationException", "the request is not valid: %v", err)
}
