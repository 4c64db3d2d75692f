// Package eventsource is Lambda's event source mappings for SQS: it polls queues, invokes functions with batches, and
// deletes what they handled. It talks to SQS through the SDK, so the queue may be anywhere. It knows nothing of
// processes; what it invokes is an [Invoker].
//
// The rules are those of the Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event
// source".
package eventsource
