package acceptance
import "testing"
var theRestarts, theWrongRequests, theOtherPerson, theLendersRefusals, theReviews, theSignature, theRepetitions, theSessions, theAccess, thePartyFaults, theLockedDatabase, theMissingPeer, theFullDisk, theMissingDatabase = s,s,s,s,s,s,s,s,s,s,s,s,s,s
func s(t *testing.T, w *world) { t.Skip() }
