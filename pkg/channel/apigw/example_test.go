package apigw_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/apigw"
)

// A layer that delivers through @connections. A program gets the client from apigatewaymanagementapi.NewFromConfig,
// and the endpoint from its environment.
func Example_layerOnConnections() {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "GoneException")
		w.WriteHeader(http.StatusGone)
	}))
	defer gateway.Close()
	client := apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(gateway.URL + "/prod"),
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient:   apigw.HTTPClient(channel.DefaultParallel),
	})
	layer := channel.New(channel.NewMemory(), apigw.New(client), nil) // dynamo.New in place of the memory

	err := layer.Send(context.Background(), "R1kmxc2VNjMCFIA=", []byte("hello"))
	fmt.Println(errors.Is(err, channel.ErrGone), err)
	// Output: true channel: send R1kmxc2VNjMCFIA=: channel: gone
}
