package wire_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs/internal/wire"
)

type part struct {
	Id    string
	Delay *int
	Data  []byte
}

type whole struct {
	Name  string
	Count int
	On    bool
	Texts []string          `wire:"Texts,Text"`
	Parts []part            `wire:"Parts,Part"`
	Tags  map[string]string `wire:"tags,Tag"`
	Attrs map[string]part   `wire:"Attrs,Attr"`
}

func full() whole {
	n := 0
	return whole{
		Name: "a<b", Count: 3, On: true, Texts: []string{"x", "y"}, Tags: map[string]string{"k": "v"},
		Parts: []part{{Id: "1", Delay: &n}, {Id: "2", Data: []byte{0, 1}}}, Attrs: map[string]part{"at": {Id: "z"}},
	}
}

const (
	asJSON = `{"Name":"a<b","Count":3,"On":true,"Texts":["x","y"],"Parts":[{"Id":"1","Delay":0},{"Id":"2","Data":"AAE="}],"tags":{"k":"v"},"Attrs":{"at":{"Id":"z"}}}`
	asForm = `Name=a%3Cb&Count=3&On=true&Text.1=x&Text.2=y&Part.2.Id=2&Part.1.Id=1&Part.1.Delay=0&Part.2.Data=AAE%3D&Tag.1.Key=k&Tag.1.Value=v&Attr.1.Name=at&Attr.1.Value.Id=z`
	asXML  = `<Name>a&lt;b</Name><Count>3</Count><On>true</On><Text>x</Text><Text>y</Text><Part><Id>1</Id><Delay>0</Delay></Part>` +
		`<Part><Id>2</Id><Data>AAE=</Data></Part><Tag><Key>k</Key><Value>v</Value></Tag><Attr><Name>at</Name><Value><Id>z</Id></Value></Attr>`
)

func readJSON(t *testing.T, text string) (whole, error) {
	t.Helper()
	n, err := awsjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var v whole
	return v, wire.Of[whole]().ReadJSON(&n, &v)
}

func TestOneStructInAllForms(t *testing.T) {
	t.Parallel()
	shape := wire.Of[whole]()
	if got := string(shape.AppendJSON(nil, full())); got != asJSON {
		t.Errorf("JSON\n%s, want\n%s", got, asJSON)
	}
	if got := string(shape.AppendXML(nil, full())); got != asXML {
		t.Errorf("XML\n%s, want\n%s", got, asXML)
	}
	n, err := awsjson.Parse(asJSON)
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromForm whole
	if err := shape.ReadJSON(&n, &fromJSON); err != nil {
		t.Fatal(err)
	}
	form, _ := url.ParseQuery(asForm)
	if err := shape.ReadForm(form, &fromForm); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), fromJSON) + cmp.Diff(full(), fromForm); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	shape := wire.Of[whole]()
	for text, want := range map[string]string{
		"Colour=red": "Colour", "Part.1.Colour=red": "Part.1.Colour", "Part.01.Id=x": "Part.1.01", "Name.1=x": "Name.1",
		"Text.1.x=1": "Text.x", "Tag.1.Name=k": "Tag.1.Name", "Attr.1.Name=a&Attr.1.Value.Colour=x": "Attr.a.Colour",
	} {
		form, _ := url.ParseQuery(text)
		var unknown *wire.UnknownError
		if err := shape.ReadForm(form, &whole{}); !errors.As(err, &unknown) || unknown.Name != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"Colour":1}`: "Colour", `{"Parts":[{},{"Colour":1}]}`: "Parts.2.Colour", `{"Attrs":{"a":{"Colour":1}}}`: "Attrs.a.Colour",
	} {
		var unknown *wire.UnknownError
		if _, err := readJSON(t, text); !errors.As(err, &unknown) || unknown.Name != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `{"Name":1}`, `{"Count":"1"}`, `{"Count":1.5}`, `{"On":"true"}`, `{"Texts":"x"}`, `{"Texts":[1]}`, `{"Parts":[1]}`,
		`{"tags":{"k":1}}`, `{"Attrs":{"k":"v"}}`, `{"Parts":[{"Data":"*"}]}`,
	} {
		var wrong *wire.TypeError
		if _, err := readJSON(t, text); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if v, err := readJSON(t, `{"Name":null,"Parts":null}`); err != nil {
		t.Errorf("null: %+v, %v", v, err)
	}
}

// FuzzReadForm: a form is read or refused; what is read comes back as it was through JSON.
func FuzzReadForm(f *testing.F) {
	f.Add(asForm)
	f.Add("Part.1.1.1=x&Part..Id=3&.=1&Tag.Key=k&Tag.Value=v")
	f.Fuzz(func(t *testing.T, text string) {
		form, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		shape, v := wire.Of[whole](), whole{}
		if shape.ReadForm(form, &v) != nil {
			return
		}
		n, err := awsjson.Parse(string(shape.AppendJSON(nil, v)))
		if err != nil {
			return // a text that is not UTF-8
		}
		var again whole
		if err := shape.ReadJSON(&n, &again); err != nil || string(shape.AppendXML(nil, v)) != string(shape.AppendXML(nil, again)) {
			t.Errorf("%+v came back as %+v, %v", v, again, err)
		}
	})
}
