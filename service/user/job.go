package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/document"
	"github.com/hengdai/hengdai/service/user/rows"
)

// tidy deletes codes and counters that can matter no more.
func (s *Service) tidy(ctx context.Context) (bool, error) {
	now := clock.Real()
	err := s.DB.WriteQuiet(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		if _, err := q.DeleteOldCodes(tx.Context(), now.Add(-24*time.Hour).UnixMilli()); err != nil {
			return err
		}
		_, err := q.DeleteOldCounters(tx.Context(), now.Add(-24*time.Hour).UnixMilli())
		return err
	})
	return false, errs.Wrap(err, "tidying up")
}

func (s *Service) prepareStep(ctx context.Context) (bool, error) { return false, s.Prepare(ctx) }

// Prepare keeps the texts in force with their hashes and, in the sandbox, makes the demo staff. It may be repeated; a job
// runs it at start, and node may run it before it says that it is ready.
func (s *Service) Prepare(ctx context.Context) error {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	for _, d := range s.documents.All() {
		for _, text := range []document.Text{d.ZH, d.EN} {
			if err := s.keepDocument(ctx, d, text); err != nil {
				return err
			}
		}
	}
	if s.Sandbox && s.DataDir != "" {
		return errs.Wrap(s.makeDemoStaff(ctx), "making demo staff")
	}
	return nil
}

// keepDocument stores a text once; a text that is there with another hash was changed without a new version.
func (s *Service) keepDocument(ctx context.Context, d document.Document, text document.Text) error {
	return s.write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		hash, err := q.GetDocumentHash(tx.Context(), rows.GetDocumentHashParams{Name: d.Name, DocVersion: d.Version, Language: text.Language})
		if none(err) {
			return q.InsertDocument(tx.Context(), rows.InsertDocumentParams{Name: d.Name, DocVersion: d.Version, Language: text.Language,
				Purpose: d.Purpose, Title: text.Title, Body: text.Body, Hash: text.Hash, EffectiveOn: d.EffectiveOn})
		}
		if err == nil && hash != text.Hash {
			return fmt.Errorf("the text of %s version %s in %s was changed; give it a new version", d.Name, d.Version, text.Language)
		}
		return err
	})
}

// DemoStaff is one line of demo-staff.json.
type DemoStaff struct {
	Login       string `json:"login"`
	Password    string `json:"password"`
	TOTPSecret  string `json:"totp_secret"`
	TOTPURL     string `json:"totp_url"`
	DisplayName string `json:"display_name"`
	Role        string `json:"role"`
}

// DemoStaffFile is its name in the data folder.
const DemoStaffFile = "demo-staff.json"

// demoRoles: one member a role, and a second admin, without whom nothing could be approved.
var demoRoles = []struct{ login, name, role string }{
	{"admin", "管理员", "admin"}, {"admin2", "管理员二", "admin"}, {"reviewer", "审批员", "reviewer"}, {"operator", "运营员", "operator"},
	{"finance", "财务员", "finance"}, {"risk_analyst", "风控分析员", "risk_analyst"}, {"product_manager", "产品经理", "product_manager"},
	{"collector", "催收员", "collector"}, {"auditor", "审计员", "auditor"}, {"service_desk", "客服员", "service_desk"},
}

// makeDemoStaff makes one member a role if there is no staff at all. What they sign in with is in the file before it is in
// the database, and the first file wins: neither a crash in between nor two processes at once leave a file that does not fit.
func (s *Service) makeDemoStaff(ctx context.Context) error {
	n, err := rows.New(s.DB.Primary()).CountStaff(ctx)
	if err != nil || n > 0 {
		return err
	}
	list, err := s.demoStaff(filepath.Join(s.DataDir, DemoStaffFile))
	if err != nil {
		return err
	}
	var members []newMember
	for _, d := range list {
		m, err := s.newMember(ctx, d.Login, d.DisplayName, d.Role, secret.New(d.Password), secret.New(d.TOTPSecret))
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	err = s.write(ctx, func(tx *store.Tx) error {
		for _, m := range members {
			if err := s.storeMember(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errStaffExists) {
		return nil // another process was faster, from the same file
	}
	return err
}

// demoStaff reads the file, having written it if it was not there.
func (s *Service) demoStaff(path string) ([]DemoStaff, error) {
	list, err := readDemoStaff(path)
	if err != nil || list != nil {
		return list, err
	}
	for _, r := range demoRoles {
		d := DemoStaff{Login: r.login + "@demo.hengdai.test", DisplayName: r.name, Role: r.role}
		password, err := newPassword()
		if err != nil {
			return nil, err
		}
		secretText, url, err := newTOTP(d.Login, secret.String{})
		if err != nil {
			return nil, err
		}
		d.Password, d.TOTPSecret, d.TOTPURL = password.Reveal(), secretText.Reveal(), url
		list = append(list, d)
	}
	if err := placeDemoStaff(path, list); err != nil {
		return nil, err
	}
	return readDemoStaff(path)
}

func readDemoStaff(path string) ([]DemoStaff, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the data folder is configuration
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []DemoStaff
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", DemoStaffFile, err)
	}
	return list, nil
}

// placeDemoStaff writes the file whole, unless somebody else has placed one.
func placeDemoStaff(path string, list []DemoStaff) error {
	raw, err := json.MarshalIndent(list, "", "  ") //nolint:gosec // these are made up for the sandbox and meant to be read
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".demo-staff-*") // has mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(append(raw, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
