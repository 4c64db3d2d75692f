package template

import (
	"fmt"
	"time"
)

// App is a template with every parameter, condition and intrinsic function resolved: what the local runtime has to run.
// It is a plain value; nothing in it is shared with the reader, and nobody changes it after [Load] returned.
type App struct {
	Path      string // the template file, absolute
	Region    string
	AccountID string
	StackName string

	Functions []Function
	APIs      []API
	Tables    []Table
	Queues    []Queue
	Mappings  []Mapping
	Schedules []Schedule
	Outputs   []Output

	// Notices says what the template asks for that is not emulated, and what AWS would refuse in it. Nothing that the
	// reader leaves out is left out in silence.
	Notices []Notice
}

// Pos is a place in a template file. The zero value is no place.
type Pos struct {
	File string
	Line int
}

// String gives the place as file:line.
func (p Pos) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Severity says what a [Notice] means for the run.
type Severity int

const (
	// NotEmulated is a resource or property that AWS would honour and the local runtime does not.
	NotEmulated Severity = iota
	// Warning is a likely mistake that AWS accepts.
	Warning
	// Mistake is something that AWS would refuse at deployment. The runtime does not start with one.
	Mistake
)

// Notice is one remark on a template.
type Notice struct {
	Severity Severity
	Pos      Pos
	Resource string // logical id, "" for the template as a whole
	Message  string
}

// String gives the notice as one line: file:line: resource: message.
func (n Notice) String() string {
	if n.Resource == "" {
		return fmt.Sprintf("%s: %s", n.Pos, n.Message)
	}
	return fmt.Sprintf("%s: %s: %s", n.Pos, n.Resource, n.Message)
}

// Function is one Lambda function.
type Function struct {
	ID           string // logical id
	Name         string // FunctionName, or the logical id
	ARN          string
	Runtime      string // provided.al2023, python3.13, ...
	Handler      string
	Architecture string // arm64 or x86_64
	Target       string // the logical id in its own template, which a makefile's target is named for
	CodeDir      string // CodeUri as an absolute directory; "" for inline code
	Inline       string // the text of inline code
	BuildMethod  string // Metadata.BuildMethod: makefile, go1.x, ""
	SkipBuild    bool   // Metadata.SkipBuild
	Timeout      time.Duration
	MemoryMB     int
	Env          map[string]string
	Reserved     *int // ReservedConcurrentExecutions
	Pos          Pos
}

// API is one WebSocket API, from either dialect of the template language.
type API struct {
	ID             string // logical id
	APIID          string // the id in its host name: what Ref gives
	Name           string
	RouteSelection string // RouteSelectionExpression
	KeySelection   string // ApiKeySelectionExpression, "" for the default
	Routes         []Route
	Stages         []Stage
	Pos            Pos
}

// Route is one route of an [API].
type Route struct {
	Key           string // $connect, $disconnect, $default or a custom key
	Integration   Integration
	RouteResponse bool // RouteResponseSelectionExpression is $default and a RouteResponse with the key $default exists
	APIKey        bool // ApiKeyRequired
	Auth          Auth
	Pos           Pos
}

// Integration is what a route invokes.
type Integration struct {
	Type     string            // AWS_PROXY, MOCK, HTTP_PROXY
	Function string            // logical id of the function, for AWS_PROXY
	ByStage  map[string]string // logical ids by stage, where the function's name has a stage variable in it
	URI      string            // for HTTP_PROXY
	Method   string            // for HTTP_PROXY
	Timeout  time.Duration     // 50 ms to 29 s; the default is 29 s (API Gateway quota)
	// RequestTemplates and the Selection expression belong to MOCK.
	RequestTemplates  map[string]string
	TemplateSelection string
	// RequestParameters are for HTTP_PROXY: integration.request.header.X and the like, to where their values come from.
	RequestParameters map[string]string
	Pos               Pos
}

// Auth is what $connect asks of a client.
type Auth struct {
	Type           string   // NONE, AWS_IAM or CUSTOM
	Function       string   // logical id of the authorizer's function, for CUSTOM
	IdentitySource []string // route.request.header.X, route.request.querystring.X, ...
}

// Stage is one deployed stage of an [API].
type Stage struct {
	Name      string
	Variables map[string]string
	Throttle  Throttle            // DefaultRouteSettings
	Routes    map[string]Throttle // RouteSettings by route key
	Pos       Pos
}

// Throttle is a token bucket; zero values mean no limit of its own.
type Throttle struct {
	Rate  float64 // requests per second
	Burst int
}

// Table is one DynamoDB table, in the terms of CreateTable.
type Table struct {
	ID         string
	Name       string
	ARN        string
	Attributes map[string]string // attribute name to S, N or B
	Key        []KeyPart
	Indexes    []Index // global and local secondary indexes
	TTL        string  // the TTL attribute, "" for none
	StreamView string  // NEW_IMAGE, ...; "" for no stream
	Billing    string  // PAY_PER_REQUEST or PROVISIONED
	Pos        Pos
}

// KeyPart is one part of a key schema.
type KeyPart struct {
	Attribute string
	Type      string // HASH or RANGE
}

// Index is a secondary index of a [Table].
type Index struct {
	Name       string
	Local      bool
	Key        []KeyPart
	Projection string   // ALL, KEYS_ONLY or INCLUDE
	NonKey     []string // NonKeyAttributes, for INCLUDE
}

// Queue is one SQS queue.
type Queue struct {
	ID         string
	Name       string // ends in .fifo for a FIFO queue
	ARN        string
	URL        string            // what Ref gives
	Attributes map[string]string // as CreateQueue takes them: VisibilityTimeout, RedrivePolicy (JSON), FifoQueue, ...
	Pos        Pos
}

// Mapping is an event source mapping from a queue (or a table's stream) to a function.
type Mapping struct {
	ID             string
	Function       string // logical id
	SourceARN      string
	Enabled        bool
	BatchSize      int           // 10 unless set
	Window         time.Duration // MaximumBatchingWindowInSeconds
	ReportFailures bool          // FunctionResponseTypes has ReportBatchItemFailures
	Filters        []string      // FilterCriteria patterns, JSON
	MaxConcurrency int           // ScalingConfig.MaximumConcurrency, 0 for none
	StartingPos    string        // for streams
	Pos            Pos
}

// Schedule invokes a function by the clock.
type Schedule struct {
	ID         string
	Function   string // logical id
	Expression string // rate(...) or cron(...) or at(...)
	TimeZone   string // "" is UTC
	Input      string // JSON; "" for the default event
	Enabled    bool
	V2         bool // EventBridge Scheduler rather than a rule
	Pos        Pos
}

// Output is one entry of the template's Outputs.
type Output struct {
	Key         string
	Value       string
	Description string
}

// Function finds a function by its logical id, name or ARN.
func (a *App) Function(ref string) (*Function, bool) {
	for i := range a.Functions {
		f := &a.Functions[i]
		if f.ID == ref || f.Name == ref || f.ARN == ref {
			return f, true
		}
	}
	return nil, false
}

// Mistakes gives the notices that AWS would refuse the template for.
func (a *App) Mistakes() []Notice {
	var out []Notice
	for _, n := range a.Notices {
		if n.Severity == Mistake {
			out = append(out, n)
		}
	}
	return out
}
