// Package apigw delivers the payloads of a channel layer to the WebSocket connections of an API Gateway stage, through
// its @connections API. It is a [channel.Poster], and nothing else: package channel has the layer above it, package
// channel/dynamo the store beside it.
//
// The client's endpoint is the stage's URL, https://{api}.execute-api.{region}.amazonaws.com/{stage}; the SDK reads it
// from AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI. The function needs execute-api:ManageConnections on
// {api}/{stage}/POST/@connections/*.
//
// API Gateway answers 410 for a connection whose $connect has not returned yet, as it does for one that is closed. So
// $connect cannot send to its own connection; and where it adds the connection to a group that others send to, the
// layer needs the Grace of [channel.Options].
package apigw
