package sqs

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// md5Attributes is the digest of message attributes that SDKs check (SQS Developer Guide, "Calculating the MD5 message
// digest for message attributes"): names in order, each part with its length before it.
func md5Attributes(attrs map[string]messageAttribute) string {
	if len(attrs) == 0 {
		return ""
	}
	var buf []byte
	part := func(b []byte) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(b)))
		buf = append(buf, b...)
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a := attrs[name]
		part([]byte(name))
		part([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			buf = append(buf, 2)
			part(a.BinaryValue)
			continue
		}
		buf = append(buf, 1)
		part([]byte(*a.StringValue))
	}
	sum := md5.Sum(buf)
	return hex.EncodeToString(sum[:])
}
