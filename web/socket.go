package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// peer is who is at the other end of the socket, by the kernel's word.
type peer struct {
	uid    uint32
	groups []uint32
	ok     bool // the kernel has said so
}

type peerKey struct{}

// trusted: root, the service's own user and the members of its group order without a password.
func (p peer) trusted() bool {
	own := uint32(os.Geteuid())
	return p.ok && (p.uid == 0 || p.uid == own || slices.Contains(p.groups, uint32(os.Getegid())))
}

// name is the user's, or the number of one that has none.
func (p peer) name() string {
	id := strconv.FormatUint(uint64(p.uid), 10)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}

const (
	socketMode = 0o660
	knockTime  = time.Second
	// SocketName is the socket in journal.dir.
	SocketName = "control.sock"
)

// openSocket listens for the terminal. The socket gets its place when its mode is set.
func (p *Page) openSocket() error {
	path := p.settings.Config.Socket
	switch {
	case path == NoSocket, path == "" && p.settings.Dir == "":
		return nil
	case path == "":
		path = filepath.Join(p.settings.Dir, SocketName)
	}
	why := func(err error) error {
		return fmt.Errorf("open the socket %s for the terminal: %w; http.socket sets another path", path, err)
	}
	if err := vacant(path); err != nil {
		return why(err)
	}
	first := path + ".new"
	_ = os.Remove(first)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: first, Net: "unix"})
	if err != nil {
		return why(err)
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(first, socketMode)
	if err == nil {
		err = os.Rename(first, path)
	}
	if err != nil {
		_, _ = l.Close(), os.Remove(first)
		return why(err)
	}
	p.socket = path
	p.ends = append(p.ends, func() { _ = os.Remove(path) })
	p.serve(l, false, func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, peerKey{}, peerOf(c))
	})
	return nil
}

// vacant says whether a path is free for a socket: nothing is there, or a socket that nobody answers at.
func vacant(path string) error {
	about, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if about.Mode()&os.ModeSocket == 0 {
		return errors.New("there is something that is no socket")
	}
	c, err := net.DialTimeout("unix", path, knockTime)
	if err == nil {
		_ = c.Close()
		return errors.New("another process answers there")
	}
	return nil
}

// peerOf asks the kernel who has connected: SO_PEERCRED for user and group, SO_PEERGROUPS for the rest of
// the groups.
func peerOf(c net.Conn) (p peer) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return p
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return p
	}
	_ = raw.Control(func(fd uintptr) {
		cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err != nil {
			return
		}
		p = peer{uid: cred.Uid, groups: append(peerGroups(fd), cred.Gid), ok: true}
	})
	return p
}

const (
	soPeerGroups = 59   // SO_PEERGROUPS, Linux 4.13
	maxGroups    = 1024 // one in more is known by its first group alone
)

func peerGroups(fd uintptr) []uint32 {
	var groups [maxGroups]uint32
	size := uint32(unsafe.Sizeof(groups))
	_, _, failed := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, soPeerGroups,
		uintptr(unsafe.Pointer(&groups)), uintptr(unsafe.Pointer(&size)), 0)
	if failed != 0 {
		return nil
	}
	return slices.Clone(groups[:size/uint32(unsafe.Sizeof(groups[0]))])
}
