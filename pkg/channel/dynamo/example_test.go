package dynamo_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/dynamo"
)

// A layer that keeps its groups in the table "connections". A program gets the client from dynamodb.NewFromConfig.
func Example_layerOnATable() {
	client := dynamodb.New(dynamodb.Options{Region: "eu-central-1"})
	store := dynamo.New(client, "connections", nil)
	layer := channel.New(store, channel.NewMemory(), nil) // apigw.New in place of the memory

	err := layer.GroupAdd(context.Background(), "not a name", "R1kmxc2VNjMCFIA=")
	fmt.Println(err) // nothing was asked of the table
	// Output: channel: add R1kmxc2VNjMCFIA= to not a name: channel: bad name: "not a name" has a character that is not allowed
}
