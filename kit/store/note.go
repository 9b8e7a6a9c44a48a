package store

// Notes are kinds of work that units leave behind for jobs of this database.
type Notes uint8

// The kinds.
const (
	// NoteEvent is an event that has no position yet.
	NoteEvent Notes = 1 << iota
	// NoteAct is a recorded act that is not chained yet.
	NoteAct

	noteKinds = iota
)

// Noted counts the units of this process that left such work behind, by one kind. On SQLite, where no other process writes, the
// count tells a job that has looked once whether it has to look again.
func (db *DB) Noted(what Notes) int64 {
	for kind := range db.noted {
		if what == 1<<kind {
			return db.noted[kind].Load()
		}
	}
	return 0
}

func (db *DB) note(what Notes) {
	for kind := range db.noted {
		if what&(1<<kind) != 0 {
			db.noted[kind].Add(1)
		}
	}
}
