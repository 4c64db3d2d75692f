package eventsource_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (f *fakeSQS) add(id, body string) {
	f.pending = append(f.pending, types.Message{MessageId: aws.String(id), ReceiptHandle: aws.String(id), Body: aws.String(body)})
}

func (f *fakeSQS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	switch r.Header.Get("X-Amz-Target") {
	case "AmazonSQS.ReceiveMessage":
		f.receive(w, r)
	case "AmazonSQS.DeleteMessageBatch":
		f.delete(w, r)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// receive hands out what is there; with nothing left it is a long poll that nothing ends but the client.
func (f *fakeSQS) receive(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client is gone
	f.mu.Lock()
	batch := f.pending
	f.pending = nil
	f.mu.Unlock()
	if len(batch) == 0 {
		<-r.Context().Done()
		return
	}
	var out []map[string]any
	for _, m := range batch {
		sum := md5.Sum([]byte(*m.Body))
		out = append(out, map[string]any{
			"MessageId": m.MessageId, "ReceiptHandle": m.ReceiptHandle, "Body": m.Body, "MD5OfBody": hex.EncodeToString(sum[:]),
			"Attributes":        map[string]string{"ApproximateReceiveCount": "1"},
			"MessageAttributes": map[string]any{"kind": map[string]string{"DataType": "String", "StringValue": "test"}},
		})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Messages": out}) // the client is gone if this fails
}

func (f *fakeSQS) delete(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Entries []struct{ Id, ReceiptHandle string }
	}
	_ = json.NewDecoder(r.Body).Decode(&in) // an empty request deletes nothing, and the test sees it
	f.mu.Lock()
	ok := []map[string]string{}
	for _, e := range in.Entries {
		f.deleted = append(f.deleted, e.ReceiptHandle)
		ok = append(ok, map[string]string{"Id": e.Id})
	}
	f.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"Successful": ok})
	f.asked <- struct{}{}
}
