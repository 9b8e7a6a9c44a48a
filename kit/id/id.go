package id

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const (
	bucketBits = 10
	seqBits    = 6
	nodeBits   = 6
	msBits     = 41

	// Buckets is how many buckets users fall into.
	Buckets = 1 << bucketBits
	// Partitions is how many partitions a log has.
	Partitions = 16

	nodes   = 1 << nodeBits
	seqMax  = 1<<seqBits - 1
	msMax   = 1<<msBits - 1
	epochMS = 1767225600000 // 2026-01-01T00:00:00Z
)

// Bucket is the bucket that an id was made in.
func Bucket(id int64) int64 { return id & (Buckets - 1) }

// Partition is the log partition of a bucket.
func Partition(bucket int64) int32 { return int32(bucket % Partitions) }

// BucketOf spreads keys over the buckets: a user's at registration, a unique value's for its reservation.
func BucketOf(key []byte) int64 {
	sum := sha256.Sum256(key)
	return int64(binary.BigEndian.Uint64(sum[:8]) % Buckets)
}

// Time is the instant in an id, a hint.
func Time(id int64) time.Time {
	return time.UnixMilli(id>>(bucketBits+seqBits+nodeBits) + epochMS).UTC()
}

// First is the smallest id that can have been made at or after an instant, in any bucket: where a search by time begins.
func First(t time.Time) int64 { return compose(sinceEpoch(t), 0, 0, 0) }

func compose(ms, node, seq, bucket int64) int64 {
	return ms<<(nodeBits+seqBits+bucketBits) | node<<(seqBits+bucketBits) | seq<<bucketBits | bucket&(Buckets-1)
}

// sinceEpoch is the millisecond that an instant has in ids.
func sinceEpoch(t time.Time) int64 { return min(max(t.UnixMilli()-epochMS, 0), msMax) }
