// Package gateway is an API Gateway WebSocket API on this machine: the WebSocket side that clients see, and the
// @connections side that functions post to. It invokes functions through an [Invoker] and knows nothing of processes,
// queues or tables.
//
// Its behaviour is that of the API Gateway Developer Guide, and where that is silent, what people have observed;
// docs/local.md has it row by row. The WebSocket protocol is RFC 6455, written here, since a gateway has to see single
// frames and to hold the handshake open until a function has answered.
package gateway
