//go:build linux || darwin

package store

import "syscall"

// roomLeast is what a disk must have free for a failed write not to be blamed on it.
const roomLeast = 64 << 10

// outOfRoom says whether the disk on which a file lies is as good as full.
func outOfRoom(path string) bool {
	left, known := room(path)
	return known && left < roomLeast
}

func room(path string) (bytes int64, known bool) {
	var disk syscall.Statfs_t
	if syscall.Statfs(path, &disk) != nil {
		return 0, false
	}
	return int64(disk.Bavail * uint64(disk.Bsize)), true
}
