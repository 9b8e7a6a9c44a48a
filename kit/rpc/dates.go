package rpc

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hengdai/hengdai/kit/errs"
)

// A pattern cannot say that the thirtieth of February does not exist. So every text field whose pattern is that of a
// date is also read as one.

// plan says which fields of a message are dates, and below which fields there may be some.
type plan struct {
	dates []protoreflect.FieldDescriptor
	inner []protoreflect.FieldDescriptor
}

var plans sync.Map // protoreflect.FullName -> *plan

func isDatePattern(pattern string) bool {
	return strings.Contains(pattern, "[0-9]{4}-[0-9]{2}-[0-9]{2}") || strings.Contains(pattern, `\d{4}-\d{2}-\d{2}`)
}

func errDateForm(path string) *errs.Error {
	return errs.New(errs.Invalid, "request.date", path+" 必须是 YYYY-MM-DD 格式的日期。", path+" must be a date in the form YYYY-MM-DD.")
}

func checkDates(m proto.Message) error {
	if e := findWrongDate(m.ProtoReflect(), ""); e != nil {
		return e
	}
	return nil
}

func findWrongDate(m protoreflect.Message, path string) *errs.Error {
	p := planOf(m.Descriptor())
	for _, field := range p.dates {
		here := join(path, field.JSONName())
		if !field.IsList() {
			if e := wrongDate(m.Get(field).String(), here); e != nil {
				return e
			}
			continue
		}
		for i, list := 0, m.Get(field).List(); i < list.Len(); i++ {
			if e := wrongDate(list.Get(i).String(), fmt.Sprintf("%s[%d]", here, i)); e != nil {
				return e
			}
		}
	}
	for _, field := range p.inner {
		here := join(path, field.JSONName())
		if !field.IsList() {
			if m.Has(field) {
				if e := findWrongDate(m.Get(field).Message(), here); e != nil {
					return e
				}
			}
			continue
		}
		for i, list := 0, m.Get(field).List(); i < list.Len(); i++ {
			if e := findWrongDate(list.Get(i).Message(), fmt.Sprintf("%s[%d]", here, i)); e != nil {
				return e
			}
		}
	}
	return nil
}

func wrongDate(text, path string) *errs.Error {
	if text == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return errs.New(errs.Invalid, "request.no_such_date", path+" 不是一个存在的日期。", path+" is not a date that exists.").On(path)
	}
	return nil
}

func planOf(desc protoreflect.MessageDescriptor) *plan {
	if known, ok := plans.Load(desc.FullName()); ok {
		return known.(*plan)
	}
	p := new(plan)
	for i := range desc.Fields().Len() {
		field := desc.Fields().Get(i)
		switch {
		case field.IsMap():
		case field.Kind() == protoreflect.MessageKind:
			p.inner = append(p.inner, field)
		case field.Kind() == protoreflect.StringKind && isDateField(field):
			p.dates = append(p.dates, field)
		}
	}
	plans.Store(desc.FullName(), p)
	return p
}

func isDateField(field protoreflect.FieldDescriptor) bool {
	rules, ok := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	if !ok || rules == nil {
		return false
	}
	return isDatePattern(rules.GetString().GetPattern()) || isDatePattern(rules.GetRepeated().GetItems().GetString().GetPattern())
}
