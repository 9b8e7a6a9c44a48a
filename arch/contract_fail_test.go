package arch

import (
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
)

// aContract is a contract of one method and one message that keeps every rule, for tests to spoil.
type aContract struct {
	path    string
	service string
	access  *rpcv1.Access
	http    *annotations.HttpRule
	level   descriptorpb.MethodOptions_IdempotencyLevel
	field   string
	limits  *validate.FieldRules
	hidden  bool // the field is personal
	redact  bool
}

func good() aContract {
	length := uint64(40)
	return aContract{
		path: "x/v1/public.proto", service: "Public", level: descriptorpb.MethodOptions_NO_SIDE_EFFECTS, field: "text",
		access: &rpcv1.Access{Callers: []rpcv1.Caller{rpcv1.Caller_CALLER_BORROWER}},
		http:   &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/things"}},
		limits: &validate.FieldRules{Type: &validate.FieldRules_String_{String_: &validate.StringRules{MaxLen: &length}}},
	}
}

func (c aContract) build(t *testing.T) protoreflect.FileDescriptor {
	t.Helper()
	method, field := &descriptorpb.MethodOptions{IdempotencyLevel: c.level.Enum()}, &descriptorpb.FieldOptions{}
	if c.access != nil {
		proto.SetExtension(method, rpcv1.E_Access, c.access)
	}
	if c.http != nil {
		proto.SetExtension(method, annotations.E_Http, c.http)
	}
	if c.limits != nil {
		proto.SetExtension(field, validate.E_Field, c.limits)
	}
	if c.hidden {
		proto.SetExtension(field, rpcv1.E_Personal, true)
	}
	field.DebugRedact = proto.Bool(c.redact)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String(c.path), Package: proto.String("x.v1"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Thing"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String(c.field), Number: proto.Int32(1), Options: field,
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(c.service), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Do"), InputType: proto.String(".x.v1.Thing"), OutputType: proto.String(".x.v1.Thing"), Options: method,
		}}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (c aContract) faults(t *testing.T) []string {
	t.Helper()
	file := c.build(t)
	found := methodFaults(file.Services().Get(0).Methods().Get(0))
	return append(found, messageFaults(file, file.Messages().Get(0))...)
}

func TestAGoodContractHasNoFault(t *testing.T) {
	if found := good().faults(t); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

func TestEachRuleOfTheContractCanFail(t *testing.T) {
	tests := []struct {
		spoil func(*aContract)
		want  string
	}{
		{func(c *aContract) { c.access = nil }, "says nobody may call it"},
		{func(c *aContract) { c.http = nil }, "has the path"},
		{func(c *aContract) {
			c.http = &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/staff/things"}}
		}, "has the path"},
		{func(c *aContract) { c.service = "Staff" }, "lets in a borrower"},
		{func(c *aContract) { c.service = "Internal" }, "only services may call it"},
		{func(c *aContract) { c.level = descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN }, "is a GET with side effects"},
		{func(c *aContract) { c.limits = nil }, "has no declared limit"},
		{func(c *aContract) { c.field = "card_no" }, "holds a personal value and does not say so"},
		{func(c *aContract) { c.hidden = true }, "no debug_redact"},
		{func(c *aContract) { c.path, c.hidden, c.redact = "x/v1/event.proto", true, true }, "an event may not carry a personal value"},
	}
	for _, test := range tests {
		spoilt := good()
		test.spoil(&spoilt)
		found := spoilt.faults(t)
		if !slices.ContainsFunc(found, func(fault string) bool { return strings.Contains(fault, test.want) }) {
			t.Errorf("want %q among %q", test.want, found)
		}
	}
}
