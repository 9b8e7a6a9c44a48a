package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/hengdai/hengdai/api/collection/v1"
	_ "github.com/hengdai/hengdai/api/control/v1"
	_ "github.com/hengdai/hengdai/api/gateway/v1"
	_ "github.com/hengdai/hengdai/api/ledger/v1"
	_ "github.com/hengdai/hengdai/api/loan/v1"
	_ "github.com/hengdai/hengdai/api/log/v1"
	_ "github.com/hengdai/hengdai/api/notify/v1"
	_ "github.com/hengdai/hengdai/api/payment/v1"
	_ "github.com/hengdai/hengdai/api/report/v1"
	_ "github.com/hengdai/hengdai/api/risk/v1"
	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	_ "github.com/hengdai/hengdai/api/user/v1"
)

// personalNames are fields that hold a personal value wherever they stand.
var personalNames = []string{"id_no", "mobile", "card_no", "card_mobile", "bank_mobile"}

func TestTheContractKeepsItsRules(t *testing.T) {
	methods := 0
	eachFile(func(file protoreflect.FileDescriptor) {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				methods++
				for _, fault := range methodFaults(service.Methods().Get(j)) {
					t.Error(fault)
				}
			}
		}
		for i := range file.Messages().Len() {
			for _, fault := range messageFaults(file, file.Messages().Get(i)) {
				t.Error(fault)
			}
		}
	})
	if methods < 60 {
		t.Errorf("only %d methods were looked at: an api package is not imported here", methods)
	}
}

func eachFile(look func(protoreflect.FileDescriptor)) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(file.Path(), "google/") && !strings.HasPrefix(file.Path(), "buf/") {
			look(file)
		}
		return true
	})
}

func methodFaults(method protoreflect.MethodDescriptor) []string {
	var found []string
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	access, _ := proto.GetExtension(options, rpcv1.E_Access).(*rpcv1.Access)
	if len(access.GetCallers()) == 0 {
		found = append(found, fmt.Sprintf("%s says nobody may call it: no rpc.v1.access", method.FullName()))
	}
	service := string(method.Parent().Name())
	prefix := map[string]string{"Public": "/v1/", "Staff": "/v1/staff/"}[service]
	if prefix == "" {
		for _, caller := range access.GetCallers() {
			if caller != rpcv1.Caller_CALLER_SERVICE && caller != rpcv1.Caller_CALLER_PARTY {
				found = append(found, fmt.Sprintf("%s lets in %s: only services may call it", method.FullName(), caller))
			}
		}
		return found
	}
	if service == "Staff" && slices.Contains(access.GetCallers(), rpcv1.Caller_CALLER_BORROWER) {
		found = append(found, fmt.Sprintf("%s lets in a borrower", method.FullName()))
	}
	rule, _ := proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule)
	path := rule.GetGet() + rule.GetPost() + rule.GetPut() + rule.GetDelete() + rule.GetPatch()
	if !strings.HasPrefix(path, prefix) || (service == "Public" && strings.HasPrefix(path, "/v1/staff/")) {
		found = append(found, fmt.Sprintf("%s has the path %q, want %s...", method.FullName(), path, prefix))
	}
	if rule.GetGet() != "" && options.GetIdempotencyLevel() != descriptorpb.MethodOptions_NO_SIDE_EFFECTS {
		found = append(found, fmt.Sprintf("%s is a GET with side effects", method.FullName()))
	}
	return append(found, limitFaults(method.Input(), map[protoreflect.FullName]bool{})...)
}

// limitFaults: every field that a client fills has a declared limit.
func limitFaults(message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) []string {
	if seen[message.FullName()] {
		return nil
	}
	seen[message.FullName()] = true
	var found []string
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if field.Kind() == protoreflect.MessageKind && !field.IsMap() {
			found = append(found, limitFaults(field.Message(), seen)...)
		}
		if unbounded(field) {
			found = append(found, fmt.Sprintf("%s has no declared limit", field.FullName()))
		}
	}
	return found
}

func unbounded(field protoreflect.FieldDescriptor) bool {
	if !field.IsList() && !field.IsMap() {
		switch field.Kind() {
		case protoreflect.BoolKind, protoreflect.MessageKind:
			return false
		}
	}
	rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	return rules == nil
}

func messageFaults(file protoreflect.FileDescriptor, message protoreflect.MessageDescriptor) []string {
	var found []string
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		options, _ := field.Options().(*descriptorpb.FieldOptions)
		personal, _ := proto.GetExtension(options, rpcv1.E_Personal).(bool)
		masked := strings.HasSuffix(string(field.Name()), "_masked")
		if slices.Contains(personalNames, string(field.Name())) && !personal && !masked {
			found = append(found, fmt.Sprintf("%s holds a personal value and does not say so", field.FullName()))
		}
		if personal && !options.GetDebugRedact() {
			found = append(found, fmt.Sprintf("%s is personal and would be printed: no debug_redact", field.FullName()))
		}
		if personal && strings.HasSuffix(file.Path(), "/event.proto") {
			found = append(found, fmt.Sprintf("%s: an event may not carry a personal value", field.FullName()))
		}
	}
	return found
}
