package invariant

// A row's id says which bucket it is of, and a bucket which log partition.
const (
	buckets    = 1024
	partitions = 16
)

func bucketOf(id int64) int64 { return id & (buckets - 1) }

func partitionOf(bucket int64) int64 { return bucket % partitions }
