package template_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// FuzzLoad: whatever a file holds, the reader gives an app or an error that is ErrTemplate; it never panics.
func FuzzLoad(f *testing.F) {
	if real, err := os.ReadFile("../../../../template.yaml"); err == nil {
		f.Add(real)
	}
	for _, seed := range []string{
		"Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Q}}}",
		"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {S: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}}}}",
		"Conditions: {A: !Not [Condition: A]}\nResources: {Q: {Type: AWS::SQS::Queue, Condition: A}}",
		"Resources: {A: {Type: AWS::Serverless::WebSocketApi, Properties: {Routes: {a-b: {FunctionArn: !Sub '${X.Y}${Z'}}}}}",
		"Parameters: {P: {Type: Number}}", "a: &a [*a]", "[]", "Resources: x", "Mappings: {M: {A: {B: 1}}}\nOutputs: {O: {Value: !FindInMap [M, A, C]}}",
		"Outputs: {O: {Value: !Select [9, !Split [',', !Join [',', [a, b]]]]}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "template.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := template.Load(path, nil); err != nil && !errors.Is(err, template.ErrTemplate) {
			t.Errorf("error %v is no ErrTemplate", err)
		}
	})
}
