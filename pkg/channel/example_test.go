package channel_test

import (
	"context"
	"fmt"

	"github.com/disclone/disclone/pkg/channel"
)

// Ann and Bob are in a room; Bob's connection has vanished without a word.
func Example_sendToARoom() {
	ctx := context.Background()
	memory := channel.NewMemory() // in production: dynamo.New and apigw.New
	memory.Open("ann=")
	memory.Open("bob=")
	layer := channel.New(memory, memory, nil)

	for _, connection := range []string{"ann=", "bob="} {
		if err := layer.GroupAdd(ctx, "room.general", connection); err != nil {
			fmt.Println(err)
		}
	}
	memory.Kill("bob=")

	report, err := layer.GroupSend(ctx, "room.general", []byte("hello"), nil)
	fmt.Println(report.Sent, report.Gone, err)
	for connection := range layer.Members(ctx, "room.general") {
		payload, _ := memory.Receive(ctx, connection)
		fmt.Printf("%s received %s\n", connection, payload)
	}
	// Output:
	// 1 1 <nil>
	// ann= received hello
}

// The sender has its acknowledgement already and needs no copy of its own message.
func ExampleLayer_GroupSend_exclude() {
	ctx := context.Background()
	memory := channel.NewMemory()
	layer := channel.New(memory, memory, nil)
	for _, connection := range []string{"ann=", "bob=", "cem="} {
		memory.Open(connection)
		if err := layer.GroupAdd(ctx, "room", connection); err != nil {
			fmt.Println(err)
		}
	}
	report, err := layer.GroupSend(ctx, "room", []byte("hi"), &channel.SendOptions{Exclude: []string{"ann="}})
	fmt.Println(report.Sent, len(memory.Inbox("ann=")), len(memory.Inbox("bob=")), err)
	// Output: 2 0 1 <nil>
}
