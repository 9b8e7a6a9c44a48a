package rpc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hengdai/hengdai/kit/errs"
)

// Validate checks the limits that a message's proto declares. The first that is broken comes back as an error that
// names the field by its JSON path. Dates in the form YYYY-MM-DD must also exist.
func Validate(m proto.Message) error {
	err := protovalidate.Validate(m, protovalidate.WithFailFast())
	if err == nil {
		return checkDates(m)
	}
	var broken *protovalidate.ValidationError
	if errors.As(err, &broken) && len(broken.Violations) > 0 {
		return explainViolation(m.ProtoReflect().Descriptor(), broken.Violations[0])
	}
	return ErrInternal.Because(fmt.Errorf("validating %s: %w", m.ProtoReflect().Descriptor().FullName(), err))
}

func explainViolation(root protoreflect.MessageDescriptor, v *protovalidate.Violation) *errs.Error {
	elements := v.Proto.GetField().GetElements()
	path := jsonPath(root, elements)
	inItem := len(elements) > 0 && elements[len(elements)-1].WhichSubscript() != validate.FieldPathElement_Subscript_not_set_case
	var rules protoreflect.Message
	if v.FieldDescriptor != nil {
		rules = typeRules(v.FieldDescriptor, inItem)
	}
	limit := func(rule string) string {
		if text := ruleText(rules, rule); text != "" {
			return text
		}
		// The validator takes the rules of items out of their descriptor; the broken one it hands over.
		if v.RuleDescriptor != nil && v.RuleValue.IsValid() && string(v.RuleDescriptor.Name()) == rule {
			return valueText(v.RuleDescriptor, v.RuleValue)
		}
		return ""
	}
	e := sentence(path, v.Proto.GetRuleId(), v.Proto.GetMessage(), limit)
	if v.Proto.GetRuleId() == "string.pattern" && v.RuleValue.IsValid() && isDatePattern(v.RuleValue.String()) {
		e = errDateForm(path)
	}
	return e.On(path)
}

// jsonPath writes a field path with JSON names: "contacts[0].mobile".
func jsonPath(desc protoreflect.MessageDescriptor, elements []*validate.FieldPathElement) string {
	var b strings.Builder
	for i, el := range elements {
		name := el.GetFieldName()
		var field protoreflect.FieldDescriptor
		if desc != nil {
			field = desc.Fields().ByNumber(protoreflect.FieldNumber(el.GetFieldNumber()))
		}
		if field != nil {
			name = field.JSONName()
			desc = field.Message()
			if field.IsMap() {
				desc = field.MapValue().Message()
			}
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
		switch el.WhichSubscript() {
		case validate.FieldPathElement_Index_case:
			b.WriteString("[" + strconv.FormatUint(el.GetIndex(), 10) + "]")
		case validate.FieldPathElement_StringKey_case:
			b.WriteString("[" + strconv.Quote(el.GetStringKey()) + "]")
		case validate.FieldPathElement_IntKey_case:
			b.WriteString("[" + strconv.FormatInt(el.GetIntKey(), 10) + "]")
		case validate.FieldPathElement_UintKey_case:
			b.WriteString("[" + strconv.FormatUint(el.GetUintKey(), 10) + "]")
		case validate.FieldPathElement_BoolKey_case:
			b.WriteString("[" + strconv.FormatBool(el.GetBoolKey()) + "]")
		case validate.FieldPathElement_Subscript_not_set_case:
		}
	}
	return b.String()
}

// typeRules answers the rules of a field's type ("string", "int64"), those of its items if the item broke one.
func typeRules(field protoreflect.FieldDescriptor, inItem bool) protoreflect.Message {
	rules, ok := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	if !ok || rules == nil {
		return nil
	}
	if inItem && rules.GetRepeated().GetItems() != nil {
		rules = rules.GetRepeated().GetItems()
	} else if inItem && rules.GetMap().GetValues() != nil {
		rules = rules.GetMap().GetValues()
	}
	r := rules.ProtoReflect()
	which := r.WhichOneof(r.Descriptor().Oneofs().ByName("type"))
	if which == nil {
		return nil
	}
	return r.Get(which).Message()
}
