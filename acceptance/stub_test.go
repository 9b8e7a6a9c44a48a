package acceptance
import "testing"
var theFullDisk = s
func s(t *testing.T, w *world) { t.Skip() }
