package rpc

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hengdai/hengdai/kit/errs"
)

// sentence says what rule a field broke. id is protovalidate's ("string.min_len", "int64.gte_lte"); limit answers
// the value of a rule, the values of a list parted by NUL; message is what a CEL rule of ours says, "中文 | English".
func sentence(path, id, message string, limit func(rule string) string) *errs.Error {
	invalid := func(reason, zh, en string) *errs.Error { return errs.New(errs.Invalid, "request."+reason, zh, en) }
	kind, rule, _ := strings.Cut(id, ".")
	rule = strings.TrimSuffix(rule, "_empty")
	switch {
	case id == "required" || id == "message.oneof":
		return invalid("required", path+" 必须填写。", path+" is required.")
	case rule == "in" || rule == "const":
		return notAllowed(path, rule, limit)
	case rule == "not_in" || rule == "defined_only":
		return invalid("not_allowed", path+" 的值不被允许。", "This value of "+path+" is not allowed.")
	case rule == "min_len", rule == "min_bytes":
		return invalid("too_short", fmt.Sprintf("%s 至少需要 %s 个字符。", path, limit(rule)), fmt.Sprintf("%s needs at least %s characters.", path, limit(rule)))
	case rule == "max_len", rule == "max_bytes":
		return invalid("too_long", fmt.Sprintf("%s 最多 %s 个字符。", path, limit(rule)), fmt.Sprintf("%s may have at most %s characters.", path, limit(rule)))
	case rule == "len", rule == "len_bytes":
		return invalid("wrong_length", fmt.Sprintf("%s 必须是 %s 个字符。", path, limit(rule)), fmt.Sprintf("%s must have %s characters.", path, limit(rule)))
	case rule == "min_items", rule == "min_pairs":
		return invalid("too_few", fmt.Sprintf("%s 至少需要 %s 项。", path, limit(rule)), fmt.Sprintf("%s needs at least %s entries.", path, limit(rule)))
	case rule == "max_items", rule == "max_pairs":
		return invalid("too_many", fmt.Sprintf("%s 最多 %s 项。", path, limit(rule)), fmt.Sprintf("%s may have at most %s entries.", path, limit(rule)))
	case rule == "unique":
		return invalid("repeated", path+" 中有重复的项。", path+" has an entry twice.")
	case isBound(rule):
		return bounds(path, limit)
	case kind == "string", kind == "bytes":
		return invalid("format", path+" 的格式不正确。", path+" does not have the right form.")
	}
	zh, en, both := strings.Cut(message, "|")
	zh, en = strings.TrimSpace(zh), strings.TrimSpace(en)
	switch {
	case both:
		return invalid("rule", zh, en)
	case zh != "":
		return invalid("rule", zh, zh)
	}
	return invalid("rule", path+" 的值不正确。", path+" is not right.")
}

func notAllowed(path, rule string, limit func(string) string) *errs.Error {
	allowed := limit(rule)
	if allowed == "" {
		return errs.New(errs.Invalid, "request.not_allowed", path+" 的值不被允许。", "This value of "+path+" is not allowed.")
	}
	given := slices.DeleteFunc(strings.Split(allowed, "\x00"), func(value string) bool { return value == "" }) // leaving it out needs no mention
	return oneOf(path, given)
}

func isBound(rule string) bool {
	for part := range strings.SplitSeq(strings.TrimSuffix(rule, "_exclusive"), "_") {
		switch part {
		case "gt", "gte", "lt", "lte", "now", "within", "finite":
		default:
			return false
		}
	}
	return true
}

// bounds says the whole range, whichever end was broken.
func bounds(path string, limit func(string) string) *errs.Error {
	var zh, en []string
	for _, b := range []struct{ name, zh, en string }{
		{"gt", "大于 ", "greater than "}, {"gte", "不小于 ", "at least "}, {"lt", "小于 ", "less than "}, {"lte", "不大于 ", "at most "},
	} {
		if v := limit(b.name); v != "" {
			zh, en = append(zh, b.zh+v), append(en, b.en+v)
		}
	}
	if len(zh) == 0 {
		return errs.New(errs.Invalid, "request.out_of_range", path+" 超出了允许的范围。", path+" is out of range.")
	}
	return errs.New(errs.Invalid, "request.out_of_range", path+" 必须"+strings.Join(zh, " 且")+"。", path+" must be "+strings.Join(en, " and ")+".")
}

// ruleText writes the value of one rule; the values of a list are parted by NUL. Empty if the rule is not set.
func ruleText(rules protoreflect.Message, name string) string {
	if rules == nil {
		return ""
	}
	field := rules.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil || !rules.Has(field) {
		return ""
	}
	return valueText(field, rules.Get(field))
}

func valueText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch {
	case field.Kind() == protoreflect.MessageKind:
		return ""
	case !field.IsList():
		return value.String()
	}
	list := value.List()
	texts := make([]string, list.Len())
	for i := range texts {
		texts[i] = list.Get(i).String()
	}
	return strings.Join(texts, "\x00")
}
