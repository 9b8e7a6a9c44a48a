//go:build unix

package node

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock makes sure that one process alone writes a database file: group commit, leases and claims rest on that. The lock
// ends with the process, however it ends.
func lock(database string) (release func() error, err error) {
	file, err := os.OpenFile(database+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // beside a file that the operator names
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%s is used by another process of hengdai; stop that one, or choose another data_dir", database)
		}
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}
