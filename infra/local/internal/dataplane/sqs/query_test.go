package sqs_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

var requestIDs = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// query sends a form as old SDKs do, and gives the status and the XML with ID for each id. pairs are Name=value, one a line.
func (w *world) query(path, pairs string) (int, string) {
	w.Helper()
	form := url.Values{}
	for line := range strings.Lines(pairs) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name != "" {
			form.Set(name, value)
		}
	}
	resp, err := http.PostForm(w.url+path, form)
	if err != nil {
		w.Fatal(err)
	}
	return w.answer(resp)
}

func (w *world) answer(resp *http.Response) (int, string) {
	w.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, requestIDs.ReplaceAllString(string(body), "ID")
}

func (w *world) wantQuery(path, pairs, want string) {
	w.Helper()
	if status, got := w.query(path, pairs); status != http.StatusOK || !strings.Contains(got, want) {
		w.Errorf("%s\ngave %d %s\nwant %s", pairs, status, got, want)
	}
}

const (
	queryHead  = `<?xml version="1.0"?>`
	querySpace = ` xmlns="http://queue.amazonaws.com/doc/2012-11-05/">`
	queryTail  = `<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata>`
)

// TestQueryProtocol speaks the query protocol as its reference writes it, and looks at the same queue through the SDK.
func TestQueryProtocol(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantQuery("/", "Action=CreateQueue\nVersion=2012-11-05\nQueueName=q\nAttribute.1.Name=VisibilityTimeout\nAttribute.1.Value=40\nTag.1.Key=team\nTag.1.Value=a&b",
		queryHead+`<CreateQueueResponse`+querySpace+`<CreateQueueResult><QueueUrl>http://localhost/123456789012/q</QueueUrl></CreateQueueResult>`+queryTail+`</CreateQueueResponse>`)
	w.wantQuery("/123456789012/q", "Action=ListQueueTags", `<ListQueueTagsResult><Tag><Key>team</Key><Value>a&amp;b</Value></Tag></ListQueueTagsResult>`)
	w.wantQuery("/123456789012/q", "Action=SetQueueAttributes\nAttribute.Name=DelaySeconds\nAttribute.Value=0", queryHead+`<SetQueueAttributesResponse`+querySpace+queryTail+`</SetQueueAttributesResponse>`)
	w.wantQuery("/", "Action=GetQueueAttributes\nQueueUrl=http://elsewhere/123456789012/q\nAttributeName.1=VisibilityTimeout\nAttributeName.2=DelaySeconds",
		`<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute><Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute></GetQueueAttributesResult>`)
	w.wantQuery("/123456789012/q", "Action=SendMessage\nMessageBody=<hi>\nMessageAttribute.1.Name=n\nMessageAttribute.1.Value.DataType=Number\nMessageAttribute.1.Value.StringValue=1",
		`<SendMessageResult><MessageId>ID</MessageId><MD5OfMessageBody>e47912f602d77886f186d252feb6c4e5</MD5OfMessageBody><MD5OfMessageAttributes>`)
	got := w.receive(w.queue("q", nil)) // the SDK checks both digests
	if bodies(got) != "<hi>" || *got[0].MessageAttributes["n"].StringValue != "1" {
		t.Fatalf("%+v", got)
	}
	w.wantQuery("/123456789012/q", "Action=DeleteMessageBatch\nDeleteMessageBatchRequestEntry.1.Id=a\nDeleteMessageBatchRequestEntry.1.ReceiptHandle="+*got[0].ReceiptHandle+
		"\nDeleteMessageBatchRequestEntry.2.Id=b\nDeleteMessageBatchRequestEntry.2.ReceiptHandle=bad",
		`<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry><BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>ReceiptHandleIsInvalid</Code>`)
	w.wantQuery("/123456789012/q", "Action=SendMessageBatch\nSendMessageBatchRequestEntry.1.Id=x\nSendMessageBatchRequestEntry.1.MessageBody=one\nSendMessageBatchRequestEntry.2.Id=y\nSendMessageBatchRequestEntry.2.MessageBody=two",
		`<SendMessageBatchResultEntry><Id>x</Id><MessageId>ID</MessageId><MD5OfMessageBody>f97c5d29941bfb1b2fdab0874906ab82</MD5OfMessageBody></SendMessageBatchResultEntry><SendMessageBatchResultEntry><Id>y</Id>`)
	w.wantQuery("/123456789012/q", "Action=ReceiveMessage\nAttributeName=ApproximateReceiveCount\nMaxNumberOfMessages=10",
		`<Body>one</Body><Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute></Message><Message><MessageId>ID</MessageId>`)
	resp, err := http.Get(w.url + "/?Action=ListQueues&QueueNamePrefix=q&X-Amz-Signature=0")
	if err != nil {
		t.Fatal(err)
	}
	if _, got := w.answer(resp); !strings.Contains(got, `<ListQueuesResult><QueueUrl>http://localhost/123456789012/q</QueueUrl></ListQueuesResult>`) {
		t.Errorf("ListQueues by GET: %s", got)
	}
}

// TestQueryErrors: codes, statuses and the form of errors in the query protocol.
func TestQueryErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.queue("q", nil)
	_, whole := w.query("/123456789012/none", "Action=PurgeQueue")
	if want := queryHead + `<ErrorResponse` + querySpace + `<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error><RequestId>ID</RequestId></ErrorResponse>`; whole != want {
		t.Errorf("error\n%s, want\n%s", whole, want)
	}
	for pairs, want := range map[string]string{
		"Action=Dance":       "400 InvalidAction",
		"Version=2012-11-05": "400 InvalidAction",
		"Action=SendMessage": "400 MissingParameter",
		"Action=SendMessage\nMessageBody=x\nColour=red":  "400 AWS.SimpleQueueService.UnsupportedOperation",
		"Action=ReceiveMessage\nWaitTimeSeconds=soon":    "400 MalformedInput",
		"Action=ReceiveMessage\nMaxNumberOfMessages=11":  "400 InvalidParameterValue",
		"Action=DeleteMessage\nReceiptHandle=x":          "404 ReceiptHandleIsInvalid",
		"Action=SendMessageBatch":                        "400 AWS.SimpleQueueService.EmptyBatchRequest",
		"Action=GetQueueAttributes\nAttributeName.1=Age": "400 InvalidAttributeName",
	} {
		status, got := w.query("/123456789012/q", pairs)
		if number, code, _ := strings.Cut(want, " "); number != strconv.Itoa(status) || !strings.Contains(got, "<Code>"+code+"</Code>") {
			t.Errorf("%s gave %d %s, want %s", pairs, status, got, want)
		}
	}
}

// TestFormsOfPagesAreRefused: a page of anybody can have a browser send a form to this machine.
func TestFormsOfPagesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.queue("q", nil)
	for _, header := range [][2]string{{"Origin", "http://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		req, _ := http.NewRequest(http.MethodGet, w.url+"/123456789012/q?Action=DeleteQueue", nil)
		req.Header.Set(header[0], header[1])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := w.answer(resp); status != http.StatusForbidden {
			t.Errorf("%v: %d %s", header, status, body)
		}
	}
	if out, err := w.client.ListQueues(t.Context(), &awssqs.ListQueuesInput{}); err != nil || len(out.QueueUrls) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestErrorsInBothProtocols: one fault, its name in JSON, and its code in the header and in XML.
func TestErrorsInBothProtocols(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.queue("q", nil)
	for range 2 {
		w.query("/123456789012/q", "Action=PurgeQueue")
	}
	req, _ := http.NewRequest(http.MethodPost, w.url, strings.NewReader(`{"QueueUrl":"http://localhost/123456789012/q"}`))
	req.Header.Set("X-Amz-Target", "AmazonSQS.PurgeQueue")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	header := resp.Header.Get("x-amzn-query-error")
	status, body := w.answer(resp)
	if status != 403 || header != "AWS.SimpleQueueService.PurgeQueueInProgress;Sender" || body != `{"__type":"com.amazonaws.sqs#PurgeQueueInProgress","message":"Only one PurgeQueue operation on q is allowed every 60 seconds."}` {
		t.Errorf("%d %s %s", status, header, body)
	}
	w.advance(time.Minute)
	if status, body := w.query("/123456789012/q", "Action=PurgeQueue"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}
