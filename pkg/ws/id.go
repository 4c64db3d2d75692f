package ws

import (
	"encoding/json"
	"slices"
)

// maxID is the most bytes of a client's own request id that is sent back.
const maxID = 128

// ID is a client's own request id, the field "id" of its message, to be sent back as it came. Decoding keeps a string or
// a number of at most 128 bytes, quotes included, and leaves anything else out; it never fails. The empty ID is none, to be
// left out with omitempty.
type ID json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (id *ID) UnmarshalJSON(data []byte) error {
	*id = nil
	if len(data) == 0 || len(data) > maxID {
		return nil
	}
	if c := data[0]; c == '"' || c == '-' || (c >= '0' && c <= '9') {
		*id = slices.Clone(data)
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (id ID) MarshalJSON() ([]byte, error) { return json.RawMessage(id).MarshalJSON() }

// idOf gives the id of a message; none if it is not JSON or over API Gateway's limit.
func idOf(body []byte) ID {
	var in struct {
		ID ID `json:"id"`
	}
	if len(body) > MaxMessage || json.Unmarshal(body, &in) != nil {
		return nil
	}
	return in.ID
}
