package user

import (
	"slices"

	"github.com/hengdai/hengdai/kit/rpc"
)

const purposeSupport = "support"

var (
	payFields  = []string{"name", "id_no", "card_no", "card_mobile"}
	nameFields = []string{"name", "id_no", "mobile"}
)

// purposes is the closed list of reasons why a value leaves user: for each, which service may ask for which fields. What is
// not named is denied.
var purposes = map[string]map[string][]string{
	"payout":     {"payment": payFields},
	"debit":      {"payment": payFields},
	"notify":     {"notify": {"name", "mobile"}},
	"contract":   {"loan": {"name", "id_no", "mobile", "address", "card_no"}},
	"collection": {"collection": {"name", "mobile", "address"}},
	"bureau":     {"risk": nameFields, "loan": nameFields},
	// support is for a member of staff who looks at a customer, and only on his behalf.
	purposeSupport: {"report": revealFields, "loan": nameFields, "notify": {"mobile"}},
	"export":       {"report": revealFields},
}

// revealFields lists what can be revealed.
var revealFields = []string{"name", "id_no", "mobile", "address", "card_no", "card_mobile"}

// keyClasses says which services may have the key of a class. identity and staff never leave user.
var keyClasses = map[string][]string{
	classIdentity:    {},
	classTransaction: {"loan", "payment", "notify", "collection", "report"},
	classApplication: {"loan", "risk", "collection", "report"},
	classBehaviour:   {"risk", "notify", "loan"},
	classMarketing:   {"loan", "notify"},
	classCollection:  {"collection", "notify"},
}

// keyPurposes is the closed list of reasons to open what lies sealed with another service; "seal" only puts in.
var keyPurposes = []string{
	"seal", "payout", "debit", "notify", "contract", "collection", "bureau", "support", "export", "decision", "review", "display", "statement", "evidence",
	"risk.look", "risk.replay",
}

func mayReveal(who rpc.Principal, purposeName string, fields []string) error {
	allowed, ok := purposes[purposeName][who.Service]
	if person, _ := who.Person(); !ok || (purposeName == purposeSupport && person.Kind != rpc.Staff) {
		return errPurpose.On("purpose")
	}
	for _, f := range fields {
		if !slices.Contains(revealFields, f) {
			return errField
		}
		if !slices.Contains(allowed, f) {
			return errPurpose.On("fields")
		}
	}
	return nil
}

func mayHaveKey(class, purposeName, service string) error {
	services, ok := keyClasses[class]
	if !ok {
		return errClass
	}
	if !slices.Contains(services, service) || !slices.Contains(keyPurposes, purposeName) {
		return errPurpose.On("purpose")
	}
	return nil
}
