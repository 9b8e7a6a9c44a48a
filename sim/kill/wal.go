package kill

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// What SQLite's file format says about the write-ahead log and its index.
const (
	walHead, frameHead = 32, 24
	walBigEndian       = 0x377f0683 // the log's magic number if its sums are big-endian
	writeLock          = 120        // the byte of the index that whoever writes has locked
	ofdGetLock         = 36         // fcntl: who has locked this, whatever kind of lock
)

// walState is what a look at a database's log found while its process stood still.
type walState struct {
	// open: a transaction has begun and not ended: its writer holds the lock.
	open bool
	// frames were written behind the last commit that is published; whole says that a commit is among them.
	frames int
	whole  bool
}

// lookAtWAL reads the log of an SQLite database whose process stands still. It takes no lock.
func lookAtWAL(path string) (walState, error) {
	var s walState
	index, err := os.Open(path + "-shm") //nolint:gosec // of our own world
	if err != nil {
		return s, err
	}
	defer func() { _ = index.Close() }()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: writeLock, Len: 1}
	if err := syscall.FcntlFlock(index.Fd(), ofdGetLock, &lock); err != nil {
		return s, fmt.Errorf("asking for the writer's lock: %w", err)
	}
	s.open = lock.Type != syscall.F_UNLCK
	if !s.open {
		return s, nil
	}
	head := make([]byte, 48)
	if _, err := index.ReadAt(head, 0); err != nil {
		return s, fmt.Errorf("reading the index of the log: %w", err)
	}
	log, err := os.Open(path + "-wal") //nolint:gosec // of our own world
	if err != nil {
		return s, err
	}
	defer func() { _ = log.Close() }()
	s.frames, s.whole, err = unpublished(log, head)
	return s, err
}

// unpublished counts the valid frames behind the last one that the index publishes.
func unpublished(log *os.File, index []byte) (frames int, whole bool, err error) {
	head := make([]byte, walHead)
	if _, err := log.ReadAt(head, 0); err != nil {
		return 0, false, nil //nolint:nilerr // a log without a head has no frames
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if binary.BigEndian.Uint32(head) == walBigEndian {
		order = binary.BigEndian
	}
	page := int(binary.BigEndian.Uint32(head[8:]))
	if page < 512 || page > 65536 {
		return 0, false, errors.New("the log has pages of no known size")
	}
	native := binary.NativeEndian
	last := int(native.Uint32(index[16:]))
	sum := [2]uint32{native.Uint32(index[24:]), native.Uint32(index[28:])}
	if string(index[32:40]) != string(head[16:24]) { // the log began anew and nothing of it is published yet
		last, sum = 0, [2]uint32{binary.BigEndian.Uint32(head[24:]), binary.BigEndian.Uint32(head[28:])}
	}
	frame := make([]byte, frameHead+page)
	for at := last; ; at++ {
		if _, err := log.ReadAt(frame, int64(walHead)+int64(at)*int64(len(frame))); err != nil {
			return frames, whole, nil //nolint:nilerr // the log ends here
		}
		if string(frame[8:16]) != string(head[16:24]) {
			return frames, whole, nil // of an earlier round
		}
		sum = walSum(order, frame[frameHead:], walSum(order, frame[:8], sum))
		if sum[0] != binary.BigEndian.Uint32(frame[16:]) || sum[1] != binary.BigEndian.Uint32(frame[20:]) {
			return frames, whole, nil // half written
		}
		frames++
		whole = whole || binary.BigEndian.Uint32(frame[4:]) != 0
	}
}

// walSum continues the log's running sum over some bytes.
func walSum(order binary.ByteOrder, bytes []byte, sum [2]uint32) [2]uint32 {
	for ; len(bytes) >= 8; bytes = bytes[8:] {
		sum[0] += order.Uint32(bytes) + sum[1]
		sum[1] += order.Uint32(bytes[4:]) + sum[0]
	}
	return sum
}
