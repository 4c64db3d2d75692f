// Package sqs is an SQS-compatible endpoint in this process: what the AWS SDKs say to SQS over the JSON protocol, answered
// as SQS does. It is for local runs and tests: queues live in memory and end with the process.
//
// What it does not support it refuses by name; it never answers something plausible and wrong. Its rules are those of the
// Amazon SQS Developer Guide and API Reference.
package sqs
