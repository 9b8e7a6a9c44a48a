package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the binary under test, built once for all worlds.
var program string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "acceptance:", err)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "hengdai-acceptance-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "hengdai")
	build := exec.Command("go", "build", "-o", program, "../cmd/hengdai")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// chapter is a part of the suite: a promise and how it is tried.
type chapter struct {
	says string
	try  func(t *testing.T, w *world)
}

// everywhere is tried in every world.
var everywhere = []chapter{
	{"a borrower is lent money and pays it back on the real dates", theJourney},
	{"an overdue borrower is reminded and his case ends when he pays", theArrears},
	{"money is asked and moved once whatever is killed meanwhile", theRestarts},
	{"wrong requests change nothing and say why", theWrongRequests},
	{"what belongs to another person is not found", theOtherPerson},
	{"the books balance at the end", theBalance},
}

// alone are tried in the world that starts fastest: what they look at does not depend on processes or databases.
var alone = []chapter{
	{"the lender refuses by law, by product and by rule, and says by which", theLendersRefusals},
	{"a person decides what the machine does not", theReviews},
	{"nothing is signed that was not shown", theSignature},
	{"a repeated request is answered as the first", theRepetitions},
	{"a decision is opened and decided again, a message shows its masked address", theDecision},
	{"what could not be taken in is listed and tried again", theParked},
	{"a session that has ended opens nothing", theSessions},
	{"only the right people reach a method", theAccess},
	{"faults of the parties change nothing twice", thePartyFaults},
}

// apart are tried where each service has its own process.
var apart = []chapter{
	{"a peer that is down is told and the rest works", theMissingPeer},
	{"services listen to each other and to nobody else", theClosedDoors},
}

// TestInOneProcessOnSQLite runs the whole suite: what a newcomer starts with one command.
func TestInOneProcessOnSQLite(t *testing.T) {
	w := startWorld(t, oneProcess, onSQLite)
	w.run(t, everywhere[:2], alone, everywhere[2:5], []chapter{{"a locked database is told and nothing is half done", theLockedDatabase}}, everywhere[5:])
}

// TestInManyProcessesOnSQLite gives each service its own process.
func TestInManyProcessesOnSQLite(t *testing.T) {
	w := startWorld(t, manyProcesses, onSQLite)
	w.run(t, everywhere[:5], apart, everywhere[5:])
}

// TestOnADiskThatFillsUp gives loan a small disk.
func TestOnADiskThatFillsUp(t *testing.T) {
	if out, err := exec.Command(onDiskOfItsOwn("x")[0], append(onDiskOfItsOwn(t.TempDir())[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT TESTED ON A FULL DISK: no disk can be mounted here: %v %s", err, out)
	}
	w := startWorld(t, onASmallDisk, onSQLite)
	w.run(t, []chapter{{"a full disk is told and nothing is half done", theFullDisk}}, everywhere[5:])
}

// TestInOneProcessOnMariaDB keeps each service's rows in a database of its own on a server.
func TestInOneProcessOnMariaDB(t *testing.T) {
	w := startWorld(t, oneProcess, onMariaDB)
	w.run(t, everywhere[:5], []chapter{{"a database that is gone is told and nothing is half done", theMissingDatabase}}, everywhere[5:])
}

// TestInManyProcessesOnMariaDB is what a large lender operates.
func TestInManyProcessesOnMariaDB(t *testing.T) {
	w := startWorld(t, manyProcesses, onMariaDB)
	w.run(t, everywhere[:5], apart, everywhere[5:])
}

// run tries chapters one after the other: they share one calendar.
func (w *world) run(t *testing.T, books ...[]chapter) {
	for _, book := range books {
		for _, c := range book {
			t.Run(c.says, func(t *testing.T) { c.try(t, w) })
		}
	}
}
