// Package dynamo keeps the memberships of a channel layer in a DynamoDB table. It is a [channel.Store], and nothing
// else: package channel has the layer above it, package channel/apigw the poster beside it.
//
// The table is the template's to make, not the code's. One item is one membership:
//
//	group    S  partition key
//	channel  S  sort key
//	expires  N  seconds since 1970; the table's TTL attribute
//
// and the index byChannel has the partition key channel, the sort key group and the projection KEYS_ONLY. What each
// method may do there:
//
//	Add        dynamodb:PutItem         on the table
//	Remove     dynamodb:DeleteItem      on the table
//	Members    dynamodb:Query           on the table
//	RemoveAll  dynamodb:Query           on the index
//	           dynamodb:BatchWriteItem  on the table
//
// Members reads strongly consistently, as a membership that was acknowledged must be seen by the next send; that costs
// one read unit for 4 KB, about forty members. An index cannot be read so: RemoveAll may miss a membership of the last
// moments. Such a rest is dropped by the next post that finds the channel gone, and expires at the latest. DynamoDB
// deletes expired items when it gets to it, within some days; the layer passes over them.
package dynamo
