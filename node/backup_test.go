package node_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/node"
)

// verdicts answers what the doctor says of one thing.
func verdicts(t testing.TB, cfg *config.Config, about string) (all []node.Verdict, says string) {
	t.Helper()
	for _, f := range node.Doctor(t.Context(), cfg) {
		if f.About == about {
			all, says = append(all, f.Verdict), says+f.Says+" "+f.Remedy
		}
	}
	if len(all) == 0 {
		t.Fatalf("the doctor says nothing of %s", about)
	}
	return all, says
}

func TestABackupOfARunningInstallationIsRestoredAndStarts(t *testing.T) {
	dir := t.TempDir()
	cfg := sandboxOn(t, dir)
	n, _ := start(t, cfg)
	to := filepath.Join(dir, "kept")
	made, err := node.Backup(t.Context(), cfg, "test", to)
	must(t, err)
	if len(made.Databases) != 8 || made.Program != "test" {
		t.Errorf("the manifest says %+v", made)
	}
	if _, err := node.Backup(t.Context(), cfg, "test", to); err == nil {
		t.Error("a second back-up went over the first")
	}
	if _, err := node.Restore(t.Context(), cfg, to); err == nil {
		t.Error("a back-up was restored over a running installation")
	}
	must(t, n.Close())
	other := sandboxOn(t, t.TempDir(), "HENGDAI_KEYS_DIR="+cfg.KeysDir)
	_, err = node.Restore(t.Context(), other, to)
	must(t, err)
	for _, about := range []string{"database loan", "databases", "data_dir", "keys_dir"} {
		if got, says := verdicts(t, other, about); got[0] != node.Fine {
			t.Errorf("%s of the restored installation: %v %s", about, got, says)
		}
	}
	again, _ := start(t, other)
	must(t, again.Ready(t.Context()))
}

func TestABackupThatWasChangedIsNotRestored(t *testing.T) {
	dir := t.TempDir()
	cfg := sandboxOn(t, dir)
	n, _ := start(t, cfg)
	must(t, n.Close())
	to := filepath.Join(dir, "kept")
	_, err := node.Backup(t.Context(), cfg, "test", to)
	must(t, err)
	file, err := os.OpenFile(filepath.Join(to, "loan.db"), os.O_WRONLY, 0)
	must(t, err)
	_, err = file.WriteAt([]byte{1}, 5000)
	must(t, err)
	must(t, file.Close())
	other := sandboxOn(t, t.TempDir())
	if _, err := node.Restore(t.Context(), other, to); err == nil {
		t.Fatal("a changed file was restored")
	} else {
		contains(t, err.Error(), "loan.db", "not as it was made")
	}
	if entries, err := os.ReadDir(other.DataDir); err == nil && len(entries) > 0 {
		t.Errorf("something was restored: %v", entries)
	}
}

func TestTheDoctorTellsWhatMustBeMended(t *testing.T) {
	dir := t.TempDir()
	cfg := sandboxOn(t, dir)
	if got, says := verdicts(t, cfg, "data_dir"); got[0] != node.Warning {
		t.Errorf("a folder that is not there: %v %s", got, says)
	}
	n, _ := start(t, cfg)
	if got, says := verdicts(t, cfg, "listen.ops"); got[0] != node.Fine {
		t.Errorf("the address of the running installation: %v %s", got, says)
	}
	must(t, n.Close())

	loan := filepath.Join(cfg.DataDir, "loan.db")
	content, err := os.ReadFile(loan)
	must(t, err)
	broken := append([]byte(nil), content...)
	for i := len(broken) / 2; i < len(broken)/2+8192; i++ {
		broken[i] ^= 0x5A
	}
	must(t, os.WriteFile(loan, broken, 0o600))
	if got, says := verdicts(t, cfg, "database loan"); got[0] != node.Failure {
		t.Errorf("a damaged file: %v %s", got, says)
	} else {
		contains(t, says, "restore")
	}
	must(t, os.WriteFile(loan, content, 0o600))

	key := filepath.Join(cfg.KeysDir, "loan.sign.key")
	must(t, os.Chmod(key, 0o644))
	if got, says := verdicts(t, cfg, "keys_dir"); got[0] != node.Failure {
		t.Errorf("a key that everybody can read: %v %s", got, says)
	} else {
		contains(t, says, "loan.sign.key", "chmod 600")
	}
}

func TestTheDoctorNamesKeysThatAProductionInstallationLacks(t *testing.T) {
	dir := t.TempDir()
	cfg := sandboxOn(t, dir)
	must(t, os.MkdirAll(cfg.KeysDir, 0o700))
	cfg.Profile, cfg.Services = config.Production, []string{"user"}
	if _, err := node.MakeKeys(cfg); err != nil {
		t.Fatal(err)
	}
	must(t, os.Remove(filepath.Join(cfg.KeysDir, "user.kek.key")))
	got, says := verdicts(t, cfg, "keys_dir")
	if got[0] != node.Failure {
		t.Errorf("missing keys: %v", got)
	}
	contains(t, says, "user.kek.key is missing", "keys make", "party-bureau.pub is missing", "ask the party")
}
