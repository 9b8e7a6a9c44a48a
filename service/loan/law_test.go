package loan

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func TestAStaleLoanPrimeRateIsToldOnceADay(t *testing.T) {
	w := newTown(t, storetest.Open(t, inMemory, Schema()))
	for _, days := range []int{35, 36} {
		var said bytes.Buffer
		w.make()
		w.svc.deps.Logger = slog.New(slog.NewTextHandler(&said, nil))
		w.svc.deps.Clock = clock.NewManual(legal.LPRCheckedOn.Midnight().AddDate(0, 0, days).Add(9 * time.Hour))
		for range 3 {
			w.svc.tellStaleRate(t.Context())
		}
		if got := strings.Count(said.String(), "loan prime rate is stale"); got != days-35 {
			t.Errorf("after %d days it is told %d times: %s", days, got, said.String())
		}
	}
}
