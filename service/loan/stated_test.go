package loan_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/loan"
)

// Every fact of the form is a closed list or a range: whatever else is stated is refused by the name of its field.
func TestEveryStatedFactOutsideOfItsListIsRefusedByName(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.Config{Engine: store.SQLite, Path: store.Memory, BatchMax: 1}, loan.Schema()))
	applicant := w.person()
	fields := (&loanv1.StatedFacts{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		var wrong []protoreflect.Value
		switch f.Kind() {
		case protoreflect.StringKind:
			wrong = append(wrong, protoreflect.ValueOfString("castle"))
		case protoreflect.Int32Kind:
			wrong = append(wrong, protoreflect.ValueOfInt32(-1), protoreflect.ValueOfInt32(99))
		case protoreflect.Int64Kind:
			wrong = append(wrong, protoreflect.ValueOfInt64(-1), protoreflect.ValueOfInt64(1<<40))
		default:
			continue
		}
		for _, value := range wrong {
			req := w.wants()
			req.GetStated().ProtoReflect().Set(f, value)
			_, err := w.public(applicant).Apply(t.Context(), req)
			var refused *errs.Error
			if errs.CodeOf(err) != errs.Invalid || !errors.As(err, &refused) || refused.Field != "stated."+f.JSONName() {
				t.Errorf("stated.%s = %v: %v", f.JSONName(), value, err)
			}
		}
	}
}
