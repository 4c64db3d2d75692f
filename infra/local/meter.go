package main

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs"
)

// meterPath is where the endpoints say what was used of them: GET gives the sums since the start, or since DELETE.
const meterPath = "/_meter"

// meter adds up what AWS would bill for the embedded DynamoDB and SQS. It is safe for concurrent use.
type meter struct {
	mu  sync.Mutex
	use sums
}

// sums is what was used, by table or queue and by operation. The name is "" where a request has several or none.
type sums struct {
	DynamoDB map[string]map[string]*usage    `json:"dynamodb"`
	SQS      map[string]map[string]*requests `json:"sqs"`
}

// usage is what one operation has used of DynamoDB.
type usage struct {
	Requests   int     `json:"requests"`
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

// requests is what one operation has used of SQS, which bills each 64 KB of a request as one.
type requests struct {
	Requests int `json:"requests"`
	Units    int `json:"units"`
}

func newMeter() *meter {
	m := &meter{}
	m.reset()
	return m
}

func (m *meter) reset() {
	m.use = sums{map[string]map[string]*usage{}, map[string]map[string]*requests{}}
}

// entry gives the sums of an operation on a table or queue, new ones if need be.
func entry[T any](of map[string]map[string]*T, name, operation string) *T {
	if of[name] == nil {
		of[name] = map[string]*T{}
	}
	if of[name][operation] == nil {
		of[name][operation] = new(T)
	}
	return of[name][operation]
}

func (m *meter) observe(e dynamodb.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := entry(m.use.DynamoDB, e.Table, e.Operation)
	u.Requests++
	u.ReadUnits += e.ReadUnits
	u.WriteUnits += e.WriteUnits
}

func (m *meter) observeQueue(e sqs.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := entry(m.use.SQS, e.Queue, e.Operation)
	u.Requests++
	u.Units += e.Units
}

func (m *meter) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(m.use) // the client is gone if this fails
	case http.MethodDelete:
		m.reset()
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "GET or DELETE", http.StatusMethodNotAllowed)
	}
}
