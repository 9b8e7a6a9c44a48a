package rpc_test

import (
	"errors"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
)

// field makes a field of a test message with rules as prototext.
func field(t *testing.T, name, label string, number int32, kind descriptorpb.FieldDescriptorProto_Type, typeName, rules string) *descriptorpb.FieldDescriptorProto {
	t.Helper()
	r := new(validate.FieldRules)
	if err := prototext.Unmarshal([]byte(rules), r); err != nil {
		t.Fatal(name, err)
	}
	options := new(descriptorpb.FieldOptions)
	proto.SetExtension(options, validate.E_Field, r)
	f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Options: options,
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	if label == "repeated" {
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	}
	if typeName != "" {
		f.TypeName = &typeName
	}
	return f
}

// order is a message with every kind of rule the API uses.
func order(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	const (
		i64, i32, str = descriptorpb.FieldDescriptorProto_TYPE_INT64, descriptorpb.FieldDescriptorProto_TYPE_INT32, descriptorpb.FieldDescriptorProto_TYPE_STRING
		enum, msg     = descriptorpb.FieldDescriptorProto_TYPE_ENUM, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		boolean       = descriptorpb.FieldDescriptorProto_TYPE_BOOL
	)
	date := `string { pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" } ignore: IGNORE_IF_ZERO_VALUE`
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("test/order.proto"), Package: proto.String("test.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{"buf/validate/validate.proto"},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("Method"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("METHOD_UNSPECIFIED"), Number: proto.Int32(0)}, {Name: proto.String("METHOD_EQUAL"), Number: proto.Int32(1)}}}},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Order"), Field: []*descriptorpb.FieldDescriptorProto{
			field(t, "amount_minor", "", 1, i64, "", `int64 { gte: 100 lte: 20000 } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "count", "", 2, i32, "", `int32 { gt: 0 } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "below", "", 3, i32, "", `int32 { lt: 5 }`),
			field(t, "term", "", 4, i32, "", `int32 { in: [3, 6, 12] } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "purpose", "", 5, str, "", `string { in: ["car", "home"] } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "note", "", 6, str, "", `string { min_len: 2 max_len: 4 } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "mobile", "", 7, str, "", `string { pattern: "^1[0-9]{10}$" } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "due_on", "", 8, str, "", date),
			field(t, "card_ids", "repeated", 9, i64, "", `repeated { min_items: 1 max_items: 2 items { int64 { gt: 0 } } } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "method", "", 10, enum, ".test.v1.Method", `enum { defined_only: true }`),
			field(t, "next", "", 11, msg, ".test.v1.Order", ``),
			field(t, "code", "", 12, str, "", `string { len: 6 } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "agreed", "", 13, boolean, "", `bool { const: true } ignore: IGNORE_IF_ZERO_VALUE`),
			field(t, "even", "", 14, i32, "", `cel { id: "even" message: "必须是偶数。 | It must be even." expression: "this % 2 == 0" }`),
			field(t, "tags", "repeated", 15, str, "", `repeated { unique: true }`),
			field(t, "days", "repeated", 16, str, "", `repeated { items { string { pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" } } }`),
			field(t, "key", "", 17, str, "", `required: true`),
			field(t, "orders", "repeated", 18, msg, ".test.v1.Order", ``),
		}}},
	}
	desc, err := protodesc.NewFile(file, resolver{})
	if err != nil {
		t.Fatal(err)
	}
	return desc.Messages().ByName("Order")
}

func TestEveryRuleHasASentenceInBothLanguages(t *testing.T) {
	desc := order(t)
	for body, want := range map[string][4]string{
		`{"key":"k","amountMinor":"99"}`:                          {"amountMinor", "request.out_of_range", "amountMinor 必须不小于 100 且不大于 20000。", "amountMinor must be at least 100 and at most 20000."},
		`{"key":"k","count":-1}`:                                  {"count", "request.out_of_range", "count 必须大于 0。", "count must be greater than 0."},
		`{"key":"k","below":5}`:                                   {"below", "request.out_of_range", "below 必须小于 5。", "below must be less than 5."},
		`{"key":"k","term":7}`:                                    {"term", "request.not_allowed", "term 只能是 3、6、12 之一。", "term must be one of 3, 6, 12."},
		`{"key":"k","purpose":"boat"}`:                            {"purpose", "request.not_allowed", "purpose 只能是 car、home 之一。", "purpose must be one of car, home."},
		`{"key":"k","note":"x"}`:                                  {"note", "request.too_short", "note 至少需要 2 个字符。", "note needs at least 2 characters."},
		`{"key":"k","note":"xxxxx"}`:                              {"note", "request.too_long", "note 最多 4 个字符。", "note may have at most 4 characters."},
		`{"key":"k","mobile":"2"}`:                                {"mobile", "request.format", "mobile 的格式不正确。", "mobile does not have the right form."},
		`{"key":"k","dueOn":"soon"}`:                              {"dueOn", "request.date", "dueOn 必须是 YYYY-MM-DD 格式的日期。", "dueOn must be a date in the form YYYY-MM-DD."},
		`{"key":"k","dueOn":"2026-02-30"}`:                        {"dueOn", "request.no_such_date", "dueOn 不是一个存在的日期。", "dueOn is not a date that exists."},
		`{"key":"k","days":["2026-02-01","2026-13-01"]}`:          {"days[1]", "request.no_such_date", "days[1] 不是一个存在的日期。", "days[1] is not a date that exists."},
		`{"key":"k","cardIds":["1","2","3"]}`:                     {"cardIds", "request.too_many", "cardIds 最多 2 项。", "cardIds may have at most 2 entries."},
		`{"key":"k","cardIds":["1","0"]}`:                         {"cardIds[1]", "request.out_of_range", "cardIds[1] 必须大于 0。", "cardIds[1] must be greater than 0."},
		`{"key":"k","method":7}`:                                  {"method", "request.not_allowed", "method 的值不被允许。", "This value of method is not allowed."},
		`{"key":"k","next":{"key":"k","term":1}}`:                 {"next.term", "request.not_allowed", "next.term 只能是 3、6、12 之一。", "next.term must be one of 3, 6, 12."},
		`{"key":"k","orders":[{"key":"k","dueOn":"2025-02-29"}]}`: {"orders[0].dueOn", "request.no_such_date", "orders[0].dueOn 不是一个存在的日期。", "orders[0].dueOn is not a date that exists."},
		`{"key":"k","code":"12"}`:                                 {"code", "request.wrong_length", "code 必须是 6 个字符。", "code must have 6 characters."},
		`{"key":"k","even":3}`:                                    {"even", "request.rule", "必须是偶数。", "It must be even."},
		`{"key":"k","tags":["a","a"]}`:                            {"tags", "request.repeated", "tags 中有重复的项。", "tags has an entry twice."},
		`{}`:                                                      {"key", "request.required", "key 必须填写。", "key is required."},
		`{"key":"k","dueOn":"2028-02-29","term":12}`:              {},
	} {
		m := dynamicpb.NewMessage(desc)
		if err := protojson.Unmarshal([]byte(body), m); err != nil {
			t.Fatal(body, err)
		}
		check(t, body, rpc.Validate(m), want)
	}
}

func TestWhatJSONCannotBeIsSaidWithTheField(t *testing.T) {
	desc := order(t)
	for body, want := range map[string][4]string{
		`{"amountMinor": 100.5}`:        {"amountMinor", "request.fraction", "amountMinor 必须是整数(金额以分为单位),不能有小数。", "amountMinor must be a whole number (amounts are in cents); fractions are not allowed."},
		`{"amountMinor": "0.01"}`:       {"amountMinor", "request.fraction", "amountMinor 必须是整数(金额以分为单位),不能有小数。", "amountMinor must be a whole number (amounts are in cents); fractions are not allowed."},
		`{"amountMinor": "1e30"}`:       {"amountMinor", "request.out_of_range", "amountMinor 超出了允许的范围。", "amountMinor is out of range."},
		`{"count": 3000000000}`:         {"count", "request.out_of_range", "count 超出了允许的范围。", "count is out of range."},
		`{"amountMinor": true}`:         {"amountMinor", "request.wrong_type", "amountMinor 必须是一个整数。", "amountMinor must be a whole number."},
		`{"note": 5}`:                   {"note", "request.wrong_type", "note 必须是文字。", "note must be a text."},
		`{"agreed": "yes"}`:             {"agreed", "request.wrong_type", "agreed 必须是 true 或 false。", "agreed must be true or false."},
		`{"method": "METHOD_ODD"}`:      {"method", "request.not_allowed", "method 只能是 METHOD_EQUAL 之一。", "method must be one of METHOD_EQUAL."},
		`{"tags": "a"}`:                 {"tags", "request.wrong_type", "tags 必须是一个列表。", "tags must be a list."},
		`{"next": {"nope": 1}}`:         {"next.nope", "request.unknown_field", "请求中有不认识的字段 next.nope。", "The request has a field next.nope that is not known."},
		`[]`:                            {"", "request.wrong_type", "请求内容必须是一个对象。", "The request must be an object."},
		`{"note": "a", "note": "b"}`:    {"", "request.broken", "请求内容无法解析。", "The request cannot be read."},
		`{"note": "a"} x`:               {"", "request.broken", "请求内容无法解析。", "The request cannot be read."},
		`{`:                             {"", "request.broken", "请求内容无法解析。", "The request cannot be read."},
		`{"orders":[{},{"count":"x"}]}`: {"orders[1].count", "request.wrong_type", "orders[1].count 必须是一个整数。", "orders[1].count must be a whole number."},
	} {
		var err error
		if e := rpc.ReadJSON([]byte(body), dynamicpb.NewMessage(desc)); e != nil {
			err = e
		}
		check(t, body, err, want)
	}
}

func check(t *testing.T, body string, err error, want [4]string) {
	t.Helper()
	if want[1] == "" {
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		return
	}
	var got *errs.Error
	if !errors.As(err, &got) || got.Code != errs.Invalid || [4]string{got.Field, got.Reason, got.ZH, got.EN} != want {
		t.Errorf("%s:\n got %+v\nwant %q", body, got, want)
	}
}

type resolver struct{}

func (resolver) FindFileByPath(string) (protoreflect.FileDescriptor, error) {
	return validate.File_buf_validate_validate_proto, nil
}

func (resolver) FindDescriptorByName(protoreflect.FullName) (protoreflect.Descriptor, error) {
	return nil, errors.New("not here")
}

func TestAcceptLanguageIsWeighed(t *testing.T) {
	for header, want := range map[string]string{
		"": "zh", "en": "en", "en-GB,en;q=0.9": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "en;q=0.2, zh;q=0.7": "zh",
		"fr": "zh", "fr, en;q=0.1": "en", "en;q=x": "zh", "EN-us": "en",
	} {
		if got := rpc.ParseLanguage(header); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}

// FuzzReadJSON: whatever comes, the answer is a message or an invalid error with both sentences.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{`{"limit":1}`, `{"after":[{"partition":"1"}]}`, `{"limit":1.5}`, `{"x":{"y":[null]}}`, `[[[`, `{"after":null}`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if e := rpc.ReadJSON(data, new(logv1.ReadRequest)); e != nil && (e.Code != errs.Invalid || e.Sentence("zh") == "" || e.Sentence("en") == "") {
			t.Fatalf("%+v", e)
		}
	})
}
