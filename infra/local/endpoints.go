package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs"
)

// accountID is the account that the runtime pretends to be: the one of AWS's own examples.
const accountID = "123456789012"

// endpoints are the AWS services that functions and tools talk to: on one port, told apart by what a request asks for.
type endpoints struct {
	listener net.Listener
	url      string // of this listener; the Lambda API is always here
	dataURL  string // of DynamoDB and SQS: this listener, or what --endpoint-url names
	handler  *http.ServeMux
	closeDB  func() error
}

// close frees the port, also where a start that failed halfway never served it.
func (e *endpoints) close() error {
	err := e.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // its server has closed it
	}
	return errors.Join(err, e.closeDB())
}

func openEndpoints(cfg config, c clock.Clock) (*endpoints, error) {
	listener, err := listen(cfg.host, above(cfg.port, 1))
	if err != nil {
		return nil, err
	}
	e := &endpoints{listener: listener, url: "http://" + listener.Addr().String(), handler: http.NewServeMux()}
	e.dataURL, e.closeDB = e.url, func() error { return nil }
	if cfg.endpointURL != "" {
		e.dataURL = strings.TrimSuffix(cfg.endpointURL, "/")
		return e, nil
	}
	used := newMeter()
	e.handler.HandleFunc(meterPath, used.serve)
	db := dynamodb.New(&dynamodb.Options{Region: cfg.region, AccountID: accountID, Clock: c.Now, Observer: used.observe})
	queues := sqs.New(&sqs.Options{Region: cfg.region, AccountID: accountID, BaseURL: e.url, Clock: c, Observer: used.observeQueue})
	e.closeDB = db.Close
	e.handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if throttle(cfg.chaos, w, r) {
			return
		}
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
			db.ServeHTTP(w, r)
			return
		}
		queues.ServeHTTP(w, r)
	})
	return e, nil
}

// throttle answers a request as a throttled one, if the chaos says so. It spares what only administers tables and queues, and
// the query protocol.
func throttle(c *chaos.Chaos, w http.ResponseWriter, r *http.Request) bool {
	service, operation, err := awsjson.Target(r)
	fault, kind := chaos.ThrottleDB, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
	if service == "AmazonSQS" {
		fault, kind = chaos.ThrottleSQS, "com.amazonaws.sqs#RequestThrottled"
	}
	items := strings.Contains(operation, "Item") || strings.Contains(operation, "Message") || operation == "Query" || operation == "Scan"
	if err != nil || !items || strings.Contains(operation, "MoveTask") || !c.Hit(fault) {
		return false
	}
	awsjson.WriteError(w, "application/x-amz-json-1.0", &awsjson.Error{Type: kind, Message: "throttled by --chaos"})
	return true
}

// clients gives SDK clients for the data endpoints. The credentials are made up: nothing checks them.
func (e *endpoints) clients(region string) (*awsdynamodb.Client, *awssqs.Client) {
	cfg := aws.Config{
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		BaseEndpoint: aws.String(e.dataURL),
	}
	return awsdynamodb.NewFromConfig(cfg), awssqs.NewFromConfig(cfg)
}

func listen(host string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return nil, fmt.Errorf("%w; is something else there? choose another with --port", err)
	}
	return l, nil
}

// above gives a port above the gateway's, or a free one where the gateway's is free to choose.
func above(port, n int) int {
	if port == 0 {
		return 0
	}
	return port + n
}
