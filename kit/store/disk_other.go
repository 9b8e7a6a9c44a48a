//go:build !linux && !darwin

package store

// outOfRoom cannot be known here.
func outOfRoom(string) bool { return false }

func room(string) (bytes int64, known bool) { return 0, false }
