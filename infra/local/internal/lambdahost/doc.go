// Package lambdahost runs compiled Lambda functions as processes of this machine: it is the Runtime API that a function
// polls, and a pool of processes for each function. It is not the Lambda control plane: functions come from
// [Host.Set], and nothing is kept. Its caller is the gateway (through an Invoker of one method), the event source
// mappings, and anybody with an SDK client, through [Host.Handler].
//
// The behaviour is that of the Lambda Developer Guide, "Lambda execution environment" and "Using the Lambda runtime
// API": one invocation at a time for each process, more processes under load, a reset after a timeout or a crash.
package lambdahost
