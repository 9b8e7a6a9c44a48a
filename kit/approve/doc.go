// Package approve makes a change wait for a second person.
//
// Somebody proposes; somebody else approves or rejects. The change is applied in the transaction of the approval: there
// is no approved change that was not applied and no applied one that was not approved. Who proposed never decides.
package approve
