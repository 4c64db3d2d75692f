package dynamodb

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

const (
	serviceShape = "com.amazonaws.dynamodb.v20120810#"
	commonShape  = "com.amazon.coral.service#"
)

const badParameter = "One or more parameter values were invalid: "

func coded(code, message string) error {
	shape := serviceShape
	switch code {
	case "UnknownOperationException", "SerializationException":
		shape = commonShape
	case "ValidationException":
		shape = "com.amazon.coral.validate#"
	}
	return &awsjson.Error{Type: shape + code, Message: message}
}

func invalid(format string, a ...any) error {
	return coded("ValidationException", fmt.Sprintf(format, a...))
}

// constraint is the text of a fault that the service finds from its model alone.
func constraint(value, member, rule string) error {
	if value != "null" {
		value = "'" + value + "'"
	}
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func missing(member string) error { return constraint("null", member, "Member must not be null") }

func serialization(message string) error { return coded("SerializationException", message) }

func noTable() error {
	return coded("ResourceNotFoundException", "Requested resource not found")
}

func unsupported(what string) error {
	return invalid("%s is not supported by the embedded DynamoDB", what)
}

func conditionFailed(item attr.Item) error {
	e := &awsjson.Error{Type: serviceShape + "ConditionalCheckFailedException", Message: "The conditional request failed"}
	if item != nil {
		e.Extra = attr.AppendItem([]byte(`"Item":`), item)
	}
	return e
}

// fault gives every error the form in which it crosses the wire, and logs those that are the emulator's own.
func (db *DB) fault(op string, err error) error {
	var e *awsjson.Error
	if errors.As(err, &e) {
		return e
	}
	db.opts.Log.Error("dynamodb: internal fault", "operation", op, "err", err)
	return &awsjson.Error{Type: serviceShape + "InternalServerError", Message: "The request processing has failed because of an unknown error, exception or failure.", Status: http.StatusInternalServerError}
}

// wire turns the faults of attr and expr into the service's.
func wire(err error) error {
	var p *attr.Problem
	var x *expr.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return invalid("%s", p.Text)
	case errors.As(err, &x):
		return invalid("%s", x.Text)
	case errors.Is(err, attr.ErrShape):
		return serialization("")
	}
	return err
}
