//go:build qemu

package arm

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"testing"
)

// archive is an initramfs: a cpio archive of the "newc" format, that is for each file a header of
// ASCII numbers, the name, the content, each padded to four bytes.
type archive struct {
	bytes.Buffer
	files int
}

const (
	aFolder  = 0o040755
	aProgram = 0o100755
	aDevice  = 0o020600
)

func (a *archive) add(name string, mode int, content []byte, major, minor int) {
	a.files++
	fmt.Fprintf(a, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", a.files, mode, 0, 0, 1, 0,
		len(content), 0, 0, major, minor, len(name)+1, 0)
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(content)
	a.pad()
}

func (a *archive) pad() { a.Write(make([]byte, (4-a.Len()%4)%4)) }

// initramfs holds programs by their names at the root, and a console for the first of them.
func initramfs(t *testing.T, file string, programs map[string]string) {
	t.Helper()
	a := &archive{}
	a.add("dev", aFolder, nil, 0, 0)
	a.add("dev/console", aDevice, nil, 5, 1)
	for name, path := range programs {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a.add(name, aProgram, content, 0, 0)
	}
	a.add("TRAILER!!!", 0, nil, 0, 0)
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	_, err := z.Write(a.Bytes())
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = os.WriteFile(file, packed.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
