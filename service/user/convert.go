package user

import (
	"encoding/base64"
	"strconv"
	"strings"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/service/user/element"
	"github.com/hengdai/hengdai/service/user/rows"
)

func checkOut(state string) userv1.CheckState {
	switch state {
	case checkChecking:
		return userv1.CheckState_CHECK_STATE_CHECKING
	case checkVerified:
		return userv1.CheckState_CHECK_STATE_VERIFIED
	case checkRefused:
		return userv1.CheckState_CHECK_STATE_REFUSED
	}
	return userv1.CheckState_CHECK_STATE_UNSPECIFIED
}

func cardOut(c rows.Card) *userv1.BankCard {
	return &userv1.BankCard{CardId: c.ID, Bank: c.Bank, BankName: element.BankName(c.Bank), Last4: c.Last4, State: checkOut(c.State),
		Reason: c.Reason, IsDefault: c.IsDefault == 1, CreatedMs: c.CreatedMs}
}

func consentOut(c rows.Consent) *userv1.Consent {
	return &userv1.Consent{ConsentId: c.ID, Purpose: c.Purpose, Document: c.Document, Version: c.DocVersion, Hash: c.Hash, Channel: c.Channel,
		GivenMs: c.GivenMs, WithdrawnMs: c.WithdrawnMs}
}

func staffOut(m rows.Staff) *userv1.StaffMember {
	return &userv1.StaffMember{StaffId: m.ID, Login: m.Login, DisplayName: m.DisplayName, Roles: splitRoles(m.Roles), State: m.State,
		CreatedMs: m.CreatedMs, LastLoginMs: m.LastLoginMs}
}

func proposalOut(p approve.Proposal) *userv1.Proposal {
	out := &userv1.Proposal{ProposalId: p.ID, Kind: p.Kind, SubjectId: p.SubjectID, Summary: p.Summary, State: string(p.State),
		ProposedBy: p.ProposedBy, Reason: p.Reason, ProposedMs: p.ProposedAt.UnixMilli(), DecidedBy: p.DecidedBy}
	if !p.DecidedAt.IsZero() {
		out.DecidedMs = p.DecidedAt.UnixMilli()
	}
	return out
}

func auditOut(r audit.Row) *userv1.AuditRow {
	return &userv1.AuditRow{AuditId: r.ID, AtMs: r.At.UnixMilli(), ActorKind: r.ActorKind, ActorId: r.ActorID, ActorService: r.ActorService,
		Act: r.Act, SubjectKind: r.SubjectKind, SubjectId: r.SubjectID, Reason: r.Reason, Details: r.Details, ChainNo: r.ChainNo}
}

func splitRoles(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// pageToken names the last row of a page by its numbers.
func pageToken(numbers ...int64) string {
	parts := make([]string, len(numbers))
	for i, n := range numbers {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, ".")))
}

// readPageToken reads what pageToken made; an empty token gives zeros.
func readPageToken(token string, numbers ...*int64) error {
	if token == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	parts := strings.Split(string(raw), ".")
	if err != nil || len(parts) != len(numbers) {
		return errPageToken
	}
	for i, into := range numbers {
		if *into, err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return errPageToken
		}
	}
	return nil
}

// pageSize is what was asked for, or 50.
func pageSize(asked int32) int {
	if asked == 0 {
		return 50
	}
	return int(asked)
}
