package apigw

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"github.com/disclone/disclone/pkg/channel"
)

// The errors of a stage that is set up wrongly; every post fails with them.
var (
	// ErrForbidden means that API Gateway refuses the caller.
	ErrForbidden = errors.New("apigw: forbidden: is the stage missing in the endpoint, or execute-api:ManageConnections in the policy?")
	// ErrBadConnection means that API Gateway does not take the channel's name for a connection id.
	ErrBadConnection = errors.New("apigw: not a connection id")
)

// Poster is a [channel.Poster] on the @connections API. It has no state of its own and is safe for concurrent use.
type Poster struct {
	client *apigatewaymanagementapi.Client
}

// New makes a poster. It makes no request. Give the client an [HTTPClient], or it opens a new connection to API
// Gateway for nearly every one of many posts at a time.
func New(client *apigatewaymanagementapi.Client) *Poster { return &Poster{client: client} }

// Post implements [channel.Poster] with one PostToConnection. The SDK's own retries are off: one after a lost answer
// could deliver twice, and the layer has a budget of its own for what is throttled.
func (p *Poster) Post(ctx context.Context, name string, payload []byte) error {
	in := &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &name, Data: payload}
	_, err := p.client.PostToConnection(ctx, in, noRetry)
	if err != nil {
		return classify(err)
	}
	return nil
}

func noRetry(o *apigatewaymanagementapi.Options) { o.Retryer = aws.NopRetryer{} }

// classify gives an error the meaning that the layer knows. It goes by the HTTP status: the SDK has a type for a 410
// only if the answer names it in a header, and has none for a 400.
func classify(err error) error {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("apigw: post: %w", err)
	}
	switch answer.HTTPStatusCode() {
	case http.StatusGone:
		return channel.ErrGone
	case http.StatusTooManyRequests:
		return channel.ErrThrottled
	case http.StatusRequestEntityTooLarge:
		return channel.ErrTooLarge
	case http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	case http.StatusBadRequest:
		return fmt.Errorf("%w: %w", ErrBadConnection, err)
	}
	return fmt.Errorf("apigw: post: %w", err)
}

// HTTPClient makes an HTTP client that keeps as many connections to API Gateway alive as there are posts at a time,
// for the Parallel of [channel.Options]. Go's own default is two for each host; every other post would begin with a
// TLS handshake. It is the SDK's own kind of client, which its configuration demands where AWS_CA_BUNDLE is set.
func HTTPClient(parallel int) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns = max(t.MaxIdleConns, 2*parallel)
		t.MaxIdleConnsPerHost = parallel
		t.IdleConnTimeout = 60 * time.Second
	})
}
