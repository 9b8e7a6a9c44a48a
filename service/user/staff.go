package user

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pquerna/otp/totp"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/user/rows"
)

// roleAdmin proposes and approves roles.
const roleAdmin = "admin"

// rolesKind is the kind of a proposal to change a member's roles.
const rolesKind = "staff.roles"

// rolesChange is the body of such a proposal.
type rolesChange struct {
	StaffID int64    `json:"staff_id,string"`
	Roles   []string `json:"roles"`
}

// newMember is a member of staff before he is stored.
type newMember struct {
	row            rows.Staff
	key            vault.Key
	password, totp secret.String
	totpURL        string
}

// newMember draws what a member signs in with. Given ones are used instead (demo staff).
func (s *Service) newMember(ctx context.Context, login, displayName, roles string, password, totpSecret secret.String) (newMember, error) {
	bucket := staffBucket(login)
	m := newMember{row: rows.Staff{Bucket: bucket, ID: s.IDs.New(bucket), Login: login, DisplayName: displayName, Roles: roles,
		State: staffActive, CreatedMs: s.now()}, password: password, totp: totpSecret}
	var err error
	if m.password.Empty() {
		if m.password, err = newPassword(); err != nil {
			return m, err
		}
	}
	if m.totp, m.totpURL, err = newTOTP(login, totpSecret); err != nil {
		return m, err
	}
	if m.row.Password, err = s.passwords.hash(ctx, m.password); err != nil {
		return m, err
	}
	if m.key, err = vault.NewKey(); err != nil {
		return m, err
	}
	m.row.TotpSealed, err = m.key.Seal(m.row.ID, fieldTOTP, m.totp)
	return m, err
}

// newTOTP draws a secret for an authenticator, or takes a given one, and answers it with its address for a QR code.
func newTOTP(login string, given secret.String) (text secret.String, url string, err error) {
	options := totp.GenerateOpts{Issuer: "hengdai", AccountName: login}
	if !given.Empty() {
		options.Secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(given.Reveal())
		if err != nil {
			return secret.String{}, "", errors.New("user: a TOTP secret must be base32")
		}
	}
	key, err := totp.Generate(options)
	if err != nil {
		return secret.String{}, "", errs.Wrap(err, "making a TOTP secret")
	}
	return secret.New(key.Secret()), key.URL(), nil
}

func (s *Service) storeMember(tx *store.Tx, m newMember) error {
	ctx := tx.Context()
	if _, there, err := s.memberByLogin(ctx, tx, m.row.Login); err != nil || there {
		return firstOf(err, errStaffExists)
	}
	if _, err := s.keyOrNew(ctx, tx, m.row.ID, classStaff, m.key); err != nil {
		return err
	}
	err := rows.New(tx).InsertStaff(ctx, rows.InsertStaffParams{Bucket: m.row.Bucket, ID: m.row.ID, Login: m.row.Login,
		DisplayName: m.row.DisplayName, Password: m.row.Password, TotpSealed: m.row.TotpSealed, Roles: m.row.Roles, CreatedMs: m.row.CreatedMs})
	if err != nil {
		return errs.Wrap(err, "storing staff")
	}
	return s.record(tx, "staff.create", "staff", m.row.ID, "", map[string]string{"roles": m.row.Roles})
}

// ListStaff lists the members of staff.
func (t staff) ListStaff(ctx context.Context, req *userv1.ListStaffRequest) (*userv1.ListStaffResponse, error) {
	var after int64
	if err := readPageToken(req.GetPageToken(), &after); err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	list, err := rows.New(t.DB.Primary()).ListStaff(ctx, rows.ListStaffParams{ID: after, Limit: int32(size + 1)})
	if err != nil {
		return nil, errs.Wrap(err, "listing staff")
	}
	res := &userv1.ListStaffResponse{}
	for i, m := range list {
		if i == size {
			res.NextPageToken = pageToken(list[i-1].ID)
			break
		}
		res.Staff = append(res.Staff, staffOut(m))
	}
	return res, nil
}

// CreateStaff makes a member without any role and proposes the roles.
func (t staff) CreateStaff(ctx context.Context, req *userv1.CreateStaffRequest) (*userv1.CreateStaffResponse, error) {
	s, who := t.Service, rpc.From(ctx)
	hash, err := s.bodyHash(req)
	if err != nil {
		return nil, err
	}
	m, err := s.newMember(ctx, req.GetLogin(), req.GetDisplayName(), "", secret.String{}, secret.String{})
	if err != nil {
		return nil, errs.Wrap(err, "making staff")
	}
	bucket := m.row.Bucket
	scope := "user.CreateStaff/" + strconv.FormatInt(who.ID, 10)
	staffID, proposalID := m.row.ID, s.IDs.New(bucket)
	repeated := false
	err = s.write(ctx, func(tx *store.Tx) error {
		before, found, err := store.Idempotent(tx, bucket, scope, req.GetIdempotencyKey(), hash)
		if err != nil {
			return err
		}
		if repeated = found; found {
			staffID, proposalID = int64(binary.BigEndian.Uint64(before)), int64(binary.BigEndian.Uint64(before[8:]))
			return nil
		}
		answer := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(staffID)), uint64(proposalID))
		if err := store.Remember(tx, bucket, scope, req.GetIdempotencyKey(), hash, answer); err != nil {
			return err
		}
		if err := s.storeMember(tx, m); err != nil {
			return err
		}
		return s.proposeRoles(tx, proposalID, m.row, req.GetRoles(), req.GetReason())
	})
	if err != nil {
		return nil, errs.Wrap(err, "making staff")
	}
	made, err := s.member(ctx, s.DB.Primary(), staffID)
	if err != nil {
		return nil, err
	}
	proposal, err := approve.Get(ctx, s.DB.Primary(), proposalID)
	if err != nil {
		return nil, err
	}
	res := &userv1.CreateStaffResponse{Staff: staffOut(made), Proposal: proposalOut(proposal)}
	if !repeated {
		res.InitialPassword, res.TotpUrl = m.password.Reveal(), m.totpURL
	}
	return res, nil
}

// SetRoles proposes other roles for a member.
func (t staff) SetRoles(ctx context.Context, req *userv1.SetRolesRequest) (*userv1.Proposal, error) {
	s := t.Service
	proposalID := s.IDs.New(id.Bucket(req.GetStaffId()))
	err := s.write(ctx, func(tx *store.Tx) error {
		m, err := s.member(tx.Context(), tx, req.GetStaffId())
		if err != nil {
			return err
		}
		return s.proposeRoles(tx, proposalID, m, req.GetRoles(), req.GetReason())
	})
	if err != nil {
		return nil, errs.Wrap(err, "proposing roles")
	}
	p, err := approve.Get(ctx, s.DB.Primary(), proposalID)
	if err != nil {
		return nil, err
	}
	return proposalOut(p), nil
}

func (s *Service) proposeRoles(tx *store.Tx, proposalID int64, m rows.Staff, roles []string, reason string) error {
	roles = slices.Sorted(slices.Values(roles))
	body, err := json.Marshal(rolesChange{StaffID: m.ID, Roles: roles})
	if err != nil {
		return errs.Wrap(err, "writing a proposal")
	}
	_, err = approve.Propose(tx, approve.Proposal{ID: proposalID, Kind: rolesKind, SubjectID: m.ID, Summary: m.Login + ": " + strings.Join(roles, ", "),
		Body: body, Reason: reason, ProposedBy: rpc.From(tx.Context()).ID, ProposedAt: s.Clock.Now()})
	if err != nil {
		return err
	}
	return s.record(tx, "roles.propose", "staff", m.ID, reason, map[string]string{"roles": strings.Join(roles, ",")})
}

// ListProposals lists what waits for a second person, or was decided.
func (t staff) ListProposals(ctx context.Context, req *userv1.ListProposalsRequest) (*userv1.ListProposalsResponse, error) {
	f := approve.Filter{State: approve.State(req.GetState())}
	if err := readPageToken(req.GetPageToken(), &f.BeforeMS, &f.BeforeID); err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	f.Limit = size + 1
	list, err := approve.List(ctx, t.DB.Primary(), f)
	if err != nil {
		return nil, err
	}
	res := &userv1.ListProposalsResponse{}
	for i, p := range list {
		if i == size {
			last := list[i-1]
			res.NextPageToken = pageToken(last.ProposedAt.UnixMilli(), last.ID)
			break
		}
		res.Proposals = append(res.Proposals, proposalOut(p))
	}
	return res, nil
}

// DecideProposal approves or rejects. Neither who proposed nor whom it concerns decides.
func (t staff) DecideProposal(ctx context.Context, req *userv1.DecideProposalRequest) (*userv1.Proposal, error) {
	s := t.Service
	by := approve.By{Staff: rpc.From(ctx).ID, At: s.Clock.Now(), Reason: req.GetReason()}
	err := s.write(ctx, func(tx *store.Tx) error {
		p, err := approve.Get(tx.Context(), tx, req.GetProposalId())
		if err != nil {
			return err
		}
		if p.SubjectID == by.Staff {
			return errStaffSelf
		}
		if !req.GetApprove() {
			if err := approve.Reject(tx, p.ID, by); err != nil {
				return err
			}
			return s.record(tx, "roles.reject", "staff", p.SubjectID, by.Reason, nil)
		}
		return approve.Approve(tx, p.ID, by, func(tx *store.Tx, body []byte) error { return s.applyRoles(tx, body, by) })
	})
	if err != nil {
		return nil, errs.Wrap(err, "deciding a proposal")
	}
	p, err := approve.Get(ctx, s.DB.Primary(), req.GetProposalId())
	if err != nil {
		return nil, err
	}
	return proposalOut(p), nil
}

// applyRoles sets the approved roles and ends the member's sessions, so that no cached answer keeps old ones alive.
func (s *Service) applyRoles(tx *store.Tx, body []byte, by approve.By) error {
	var change rolesChange
	if err := json.Unmarshal(body, &change); err != nil {
		return errs.Wrap(err, "reading a proposal")
	}
	m, err := s.member(tx.Context(), tx, change.StaffID)
	if err != nil {
		return err
	}
	was := m.Roles
	m.Roles = strings.Join(change.Roles, ",")
	if err := putStaff(tx.Context(), tx, m); err != nil {
		return err
	}
	if err := s.keepAnAdmin(tx); err != nil {
		return err
	}
	if _, err := s.endSessions(tx, m.ID, 0, "roles_changed"); err != nil {
		return err
	}
	return s.record(tx, "roles.approve", "staff", m.ID, by.Reason, map[string]string{"from": was, "to": m.Roles})
}

// keepAnAdmin refuses a change after which nobody could change roles any more. It raises the version of the admin it
// relies on, so that two admins cannot shut each other out at the same moment.
func (s *Service) keepAnAdmin(tx *store.Tx) error {
	var after int64
	for {
		page, err := rows.New(tx).ListStaff(tx.Context(), rows.ListStaffParams{ID: after, Limit: 200})
		if err != nil {
			return errs.Wrap(err, "reading staff")
		}
		for _, m := range page {
			if m.State == staffActive && slices.Contains(splitRoles(m.Roles), roleAdmin) {
				return putStaff(tx.Context(), tx, m)
			}
			after = m.ID
		}
		if len(page) < 200 {
			return errLastAdmin
		}
	}
}

// DisableStaff shuts a member out at once.
func (t staff) DisableStaff(ctx context.Context, req *userv1.DisableStaffRequest) (*userv1.StaffMember, error) {
	s := t.Service
	if req.GetStaffId() == rpc.From(ctx).ID {
		return nil, errStaffSelf
	}
	var m rows.Staff
	err := s.write(ctx, func(tx *store.Tx) error {
		var err error
		if m, err = s.member(tx.Context(), tx, req.GetStaffId()); err != nil || m.State == staffDisabled {
			return err
		}
		m.State = staffDisabled
		if err := putStaff(tx.Context(), tx, m); err != nil {
			return err
		}
		if err := s.keepAnAdmin(tx); err != nil {
			return err
		}
		if _, err := s.endSessions(tx, m.ID, 0, "disabled"); err != nil {
			return err
		}
		return s.record(tx, "staff.disable", "staff", m.ID, req.GetReason(), nil)
	})
	if err != nil {
		return nil, errs.Wrap(err, "disabling staff")
	}
	return staffOut(m), nil
}
