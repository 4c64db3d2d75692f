// Package channel is a channel layer, as Django Channels has it, for API Gateway WebSocket APIs. A channel is the
// mailbox of one connection, and its name is the connection id. A group is a named set of channels. A [Layer] sends to
// a channel or to all members of a group, from any process.
//
// A [Store] keeps who is in which group, a [Poster] delivers to one channel. [Memory] is both, for tests; package
// channel/dynamo is a store on DynamoDB, package channel/apigw a poster on @connections, and package
// channel/layertest the suite that every pair of them passes.
//
// What is promised, after the Channels specification:
//   - At most once: a send that fails half-way is never repeated by the layer. What must not be lost belongs into a log
//     that the client can read again.
//   - No order: two sends to one channel may arrive in either order.
//   - Adding twice is adding once; taking out a channel that is not in the group is no error.
//   - A membership that is acknowledged is seen by the next group send. It ends with [Layer.GroupDiscard],
//     [Layer.Drop], or when it expires.
//   - A group send never fails because of one member. A member that is gone (API Gateway answers 410) is dropped, it
//     and only it, and the [Report] says so.
//
// Two things can leave a membership of a dead connection behind: $disconnect, which API Gateway does not guarantee,
// and an index that has not caught up yet. Both heal: the next group send finds the channel gone and drops it again,
// and where nothing is sent it expires.
//
// A channel is not a chat room, and the layer keeps no messages.
package channel
