package store_test

import (
	"testing"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/schema"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func TestTheTablesOfKitAreTheSameOnBothEngines(t *testing.T) {
	storetest.SameSchema(t, store.Schema{Name: "kit", Files: schema.Files})
}
