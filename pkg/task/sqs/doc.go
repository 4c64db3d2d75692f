// Package sqs carries tasks over Amazon SQS: [Queue] is where a task.Client sends them, [Lambda] is the function behind an
// event source mapping that runs them. The queue, its dead-letter queue and the mapping (with ReportBatchItemFailures)
// are declared in a template; nothing here makes them.
package sqs
