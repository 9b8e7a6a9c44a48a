package rpc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hengdai/hengdai/kit/errs"
)

// What can be wrong with JSON before any rule is asked.
var (
	errBroken = errs.New(errs.Invalid, "request.broken", "请求内容无法解析。", "The request cannot be read.")
)

// explainJSON finds what protojson did not like. It is only asked after a failure, so it may be slow.
func explainJSON(data []byte, desc protoreflect.MessageDescriptor) *errs.Error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return errBroken.Because(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errBroken
	}
	if e := explainMessage(value, desc, ""); e != nil {
		return e
	}
	return errBroken
}

func explainMessage(value any, desc protoreflect.MessageDescriptor, path string) *errs.Error {
	if strings.HasPrefix(string(desc.FullName()), "google.protobuf.") {
		return nil // well-known types have their own JSON; protojson's word is enough
	}
	object, ok := value.(map[string]any)
	if !ok {
		return wrongType(path, "一个对象", "an object")
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		field := desc.Fields().ByJSONName(name)
		if field == nil {
			field = desc.Fields().ByTextName(name)
		}
		if field == nil {
			return unknownField(join(path, name))
		}
		if object[name] == nil {
			continue
		}
		if e := explainField(object[name], field, join(path, field.JSONName())); e != nil {
			return e
		}
	}
	return nil
}

func explainField(value any, field protoreflect.FieldDescriptor, path string) *errs.Error {
	switch {
	case field.IsMap():
		entries, ok := value.(map[string]any)
		if !ok {
			return wrongType(path, "一个对象", "an object")
		}
		for key, v := range entries {
			if e := explainValue(v, field.MapValue(), fmt.Sprintf("%s[%q]", path, key)); e != nil {
				return e
			}
		}
		return nil
	case field.IsList():
		list, ok := value.([]any)
		if !ok {
			return wrongType(path, "一个列表", "a list")
		}
		for i, v := range list {
			if e := explainValue(v, field, fmt.Sprintf("%s[%d]", path, i)); e != nil {
				return e
			}
		}
		return nil
	}
	return explainValue(value, field, path)
}

func explainValue(value any, field protoreflect.FieldDescriptor, path string) *errs.Error {
	switch kind := field.Kind(); kind {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return explainMessage(value, field.Message(), path)
	case protoreflect.BoolKind:
		if _, ok := value.(bool); !ok {
			return wrongType(path, " true 或 false", "true or false")
		}
	case protoreflect.StringKind:
		if _, ok := value.(string); !ok {
			return wrongType(path, "文字", "a text")
		}
	case protoreflect.BytesKind:
		text, ok := value.(string)
		if !ok {
			return wrongType(path, " base64 文字", "base64 text")
		}
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return wrongType(path, " base64 文字", "base64 text")
		}
	case protoreflect.EnumKind:
		return explainEnum(value, field, path)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		if _, err := strconv.ParseFloat(fmt.Sprint(value), 64); err != nil {
			return wrongType(path, "一个数", "a number")
		}
	default:
		return explainInteger(value, kind, path)
	}
	return nil
}

func explainEnum(value any, field protoreflect.FieldDescriptor, path string) *errs.Error {
	values := field.Enum().Values()
	if text, ok := value.(string); ok && values.ByName(protoreflect.Name(text)) == nil {
		var names []string
		for i := 1; i < values.Len(); i++ {
			names = append(names, string(values.Get(i).Name()))
		}
		return oneOf(path, names)
	}
	return nil
}

// explainInteger tells fractions from other mistakes: a fraction of a cent is what people send by accident.
func explainInteger(value any, kind protoreflect.Kind, path string) *errs.Error {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		return wrongType(path, "一个整数", "a whole number")
	}
	bits, signed := 64, true
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		bits = 32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		bits, signed = 32, false
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		signed = false
	default:
	}
	if _, err := strconv.ParseInt(text, 10, bits); signed && err == nil {
		return nil
	}
	if _, err := strconv.ParseUint(text, 10, bits); !signed && err == nil {
		return nil
	}
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return wrongType(path, "一个整数", "a whole number")
	case number != float64(int64(number)) && number > -9e18 && number < 9e18:
		return errs.New(errs.Invalid, "request.fraction", path+" 必须是整数(金额以分为单位),不能有小数。",
			path+" must be a whole number (amounts are in cents); fractions are not allowed.").On(path)
	}
	return errs.New(errs.Invalid, "request.out_of_range", path+" 超出了允许的范围。", path+" is out of range.").On(path)
}

func unknownField(path string) *errs.Error {
	return errs.New(errs.Invalid, "request.unknown_field", "请求中有不认识的字段 "+path+"。", "The request has a field "+path+" that is not known.").On(path)
}

func wrongType(path, zh, en string) *errs.Error {
	if path == "" {
		return errs.New(errs.Invalid, "request.wrong_type", "请求内容必须是"+zh+"。", "The request must be "+en+".")
	}
	return errs.New(errs.Invalid, "request.wrong_type", path+" 必须是"+zh+"。", path+" must be "+en+".").On(path)
}

func oneOf(path string, allowed []string) *errs.Error {
	return errs.New(errs.Invalid, "request.not_allowed", path+" 只能是 "+strings.Join(allowed, "、")+" 之一。",
		path+" must be one of "+strings.Join(allowed, ", ")+".").On(path)
}

func join(path, name string) string {
	const longest = 100 // an unknown name comes from outside
	if len(name) > longest {
		name = name[:longest]
	}
	name = strings.ToValidUTF8(name, "")
	if path == "" {
		return name
	}
	return path + "." + name
}
