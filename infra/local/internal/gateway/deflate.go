package gateway

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// permessage-deflate (RFC 7692), without context takeover in either direction: no connection keeps a window.

// extension is what a handshake that accepts compression answers.
const extension = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// offersDeflate says whether a client offers permessage-deflate with parameters that can be met.
func offersDeflate(h http.Header) bool {
	for _, line := range h["Sec-Websocket-Extensions"] {
		for offer := range strings.SplitSeq(line, ",") {
			params := strings.Split(offer, ";")
			if strings.TrimSpace(params[0]) == "permessage-deflate" && meetable(params[1:]) {
				return true
			}
		}
	}
	return false
}

// meetable says whether an offer's parameters can be met. A smaller window of ours cannot: Go's compressor has none.
func meetable(params []string) bool {
	for _, param := range params {
		name, _, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch strings.TrimSpace(name) {
		case "server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits":
		default:
			return false
		}
	}
	return true
}

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is valid
	return w
}}

// deflateTail is what a compressed message leaves out (RFC 7692, section 7.2.1).
var deflateTail = []byte{0x00, 0x00, 0xff, 0xff}

func deflate(payload []byte) []byte {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	_, _ = w.Write(payload) // a buffer takes all
	_ = w.Flush()
	return bytes.TrimSuffix(out.Bytes(), deflateTail)
}

// finalBlock is an empty last block: with it a reader knows where the message ends.
var finalBlock = []byte{0x01, 0x00, 0x00, 0xff, 0xff}

// inflate undoes a client's compression. What would be larger than a message may be ends the connection with 1009,
// however small it came.
func inflate(data []byte) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(data), bytes.NewReader(deflateTail), bytes.NewReader(finalBlock)))
	out, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &closeError{closeInvalidPayload, "the message is not compressed as agreed"}
	case err != nil:
		return nil, err
	case len(out) > maxMessage:
		return nil, &closeError{closeTooLarge, "Message is too large"}
	}
	return out, nil
}
