package node

import "errors"

// Break closes a service's database under it.
func (n *Node) Break(service string) error {
	for _, h := range n.hosts {
		if h.name == service {
			return h.db.Close()
		}
	}
	return errors.New("no such service")
}
