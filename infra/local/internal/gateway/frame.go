package gateway

import (
	"encoding/binary"
	"io"
	"unicode/utf8"
)

// The opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// The close codes that the gateway sends (RFC 6455, section 7.4, and API Gateway's use of them).
const (
	closeNormal          = 1000
	closeGoingAway       = 1001
	closeProtocolError   = 1002
	closeUnsupportedData = 1003
	closeNoStatus        = 1005
	closeAbnormal        = 1006
	closeInvalidPayload  = 1007
	closeTooLarge        = 1009
)

// compressed is the bit of a message's first frame that says that the message is compressed (RFC 7692, section 6).
const compressed = 0x40

const maxControl = 125 // bytes of a control frame's payload (RFC 6455, section 5.5)

// closeError ends a connection with a code.
type closeError struct {
	code   int
	reason string
}

func (e *closeError) Error() string { return e.reason }

func protocolError(reason string) error { return &closeError{closeProtocolError, reason} }

// frameHeader is the part of a frame before its payload.
type frameHeader struct {
	final      bool
	compressed bool // the first reserved bit, which permessage-deflate uses
	opcode     byte
	length     int64
	mask       [4]byte
}

// readHeader reads the header of a client's frame and holds the rules for it: a mask, no reserved bits, known opcodes,
// whole and short control frames, the shortest form of a length, and API Gateway's 32 KB.
func readHeader(r io.Reader, buf *[14]byte) (frameHeader, error) {
	if _, err := io.ReadFull(r, buf[:2]); err != nil {
		return frameHeader{}, err
	}
	h := frameHeader{final: buf[0]&0x80 != 0, compressed: buf[0]&compressed != 0, opcode: buf[0] & 0x0f, length: int64(buf[1] & 0x7f)}
	control := h.opcode >= 0x8
	switch {
	case buf[0]&0x30 != 0:
		return h, protocolError("reserved bits are set")
	case h.opcode > opBinary && h.opcode < opClose, h.opcode > opPong:
		return h, protocolError("unknown opcode")
	case buf[1]&0x80 == 0:
		return h, protocolError("the frame is not masked")
	case control && (!h.final || h.length > maxControl):
		return h, protocolError("a control frame is fragmented or too long")
	}
	if err := readLength(r, buf, &h); err != nil {
		return h, err
	}
	if h.length > maxFrame {
		return h, &closeError{closeTooLarge, "Frame is too large"}
	}
	_, err := io.ReadFull(r, h.mask[:])
	return h, err
}

func readLength(r io.Reader, buf *[14]byte, h *frameHeader) error {
	switch h.length {
	case 126:
		if _, err := io.ReadFull(r, buf[2:4]); err != nil {
			return err
		}
		h.length = int64(binary.BigEndian.Uint16(buf[2:4]))
		if h.length < 126 {
			return protocolError("a length is not in its shortest form")
		}
	case 127:
		if _, err := io.ReadFull(r, buf[2:10]); err != nil {
			return err
		}
		n := binary.BigEndian.Uint64(buf[2:10])
		if n > 1<<63-1 || n <= 0xffff {
			return protocolError("a length is out of range or not in its shortest form")
		}
		h.length = int64(n)
	}
	return nil
}

// unmask applies the client's mask (RFC 6455, section 5.3).
func unmask(payload []byte, mask [4]byte) {
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
}

// appendFrame appends a server's frame: not masked.
func appendFrame(dst []byte, first byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, first, byte(n))
	case n <= 0xffff:
		dst = append(dst, first, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, first, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, payload...)
}

// appendMessage appends a message, in frames of at most 32 KB, as API Gateway splits what functions post. first is the
// opcode of its first frame, with the bit of a compressed one.
func appendMessage(dst []byte, first byte, payload []byte) []byte {
	for len(payload) > maxFrame {
		dst = appendFrame(dst, first, payload[:maxFrame])
		payload, first = payload[maxFrame:], opContinuation
	}
	return appendFrame(dst, 0x80|first, payload)
}

// appendClose appends a close frame.
func appendClose(dst []byte, code int, reason string) []byte {
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	payload = append(payload, reason[:min(len(reason), maxControl-2)]...)
	return appendFrame(dst, 0x80|opClose, payload)
}

// parseClose reads the payload of a client's close frame.
func parseClose(payload []byte) (code int, reason string, err error) {
	if len(payload) == 0 {
		return closeNoStatus, "Client-side close frame status not set", nil
	}
	if len(payload) == 1 {
		return 0, "", protocolError("a close frame has one byte")
	}
	code = int(binary.BigEndian.Uint16(payload))
	if !validCloseCode(code) {
		return 0, "", protocolError("a close code that must not be sent")
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "", &closeError{closeInvalidPayload, "a close reason is not UTF-8"}
	}
	return code, string(payload[2:]), nil
}

// validCloseCode says whether an endpoint may send the code (RFC 6455, section 7.4, and the IANA registry).
func validCloseCode(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}
