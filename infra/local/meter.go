package main

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

// meterPath is where the endpoints say what was used of them: GET gives the sums since the start, or since DELETE.
const meterPath = "/_meter"

// meter adds up what AWS would bill for the embedded DynamoDB. It is safe for concurrent use.
type meter struct {
	mu  sync.Mutex
	use map[string]map[string]*usage // by table and operation; the table is "" where a request has several
}

// usage is what one operation has used.
type usage struct {
	Requests   int     `json:"requests"`
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

func newMeter() *meter { return &meter{use: map[string]map[string]*usage{}} }

func (m *meter) observe(e dynamodb.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.use[e.Table] == nil {
		m.use[e.Table] = map[string]*usage{}
	}
	u := m.use[e.Table][e.Operation]
	if u == nil {
		u = &usage{}
		m.use[e.Table][e.Operation] = u
	}
	u.Requests++
	u.ReadUnits += e.ReadUnits
	u.WriteUnits += e.WriteUnits
}

func (m *meter) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(m.use) // the client is gone if this fails
	case http.MethodDelete:
		m.use = map[string]map[string]*usage{}
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "GET or DELETE", http.StatusMethodNotAllowed)
	}
}
