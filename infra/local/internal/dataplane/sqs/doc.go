// Package sqs is an SQS-compatible endpoint in this process: what the AWS SDKs say to SQS, over the JSON protocol of today
// or the query protocol of before, answered as SQS does. It is for local runs and tests: queues live in memory and end
// with the process.
//
// What it does not support it refuses by name; it never answers something plausible and wrong. Its rules are those of the
// Amazon SQS Developer Guide and API Reference. One set of operations serves both protocols; package wire reads and writes
// their structs.
//
// Where SQS says nothing, these are choices: a message move without a rate moves what is visible at once; a task that
// meets a message of unknown source ends there; a receive attempt whose messages were deleted or changed since is a new
// receive; a group on a standard queue is kept and given back, and noisy groups do not wait longer than others.
package sqs
