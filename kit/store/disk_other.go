//go:build !linux && !darwin

package store

// outOfRoom cannot be known here.
func outOfRoom(string) bool { return false }
