package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt trusts its pages: a branch that points at itself makes it recurse until the process dies,
// past any recover. So each file is walked here, with plain bounded reads, before bbolt maps it.
// What passes: an intact meta page, a tree within the file in which each page is used once, holds
// what it says it is, and whose keys rise; a free list that is disjoint from the tree.

const (
	pageHead   = 16 // id 8, flags 2, count 2, overflow 4
	pageItem   = 16 // of a branch: pos 4, key 4, page 8; of a leaf: flags 4, pos 4, key 4, value 4
	metaSize   = 64
	bucketHead = 16 // root page 8, sequence 8

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketItem   = 0x01

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	noFreelist  = ^uint64(0)

	maxPageSize = 64 << 10
	maxDepth    = 32
	maxOverflow = 4096 // pages of one item or free list; more would only be memory to allocate
)

// order is the machine's own byte order, as bbolt writes it.
var order = binary.NativeEndian

var errPages = errors.New("damaged file")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errPages, fmt.Sprintf(format, args...))
}

type meta struct {
	id, pageSize, root, freelist, pages, tx uint64
}

// checkPages says what is wrong with a bbolt file of that size. torn: it is sound, but one of its
// two meta pages is not: the last transaction may be missing.
func checkPages(r io.ReaderAt, size int64) (torn bool, err error) {
	m, torn, err := readMetas(r, size)
	if err != nil {
		return torn, err
	}
	if m.pages < 4 || m.pages > uint64(size)/m.pageSize {
		return torn, damaged("%d pages of %d bytes in %d bytes", m.pages, m.pageSize, size)
	}
	w := walk{r: r, m: m, seen: make([]bool, m.pages)}
	if err := w.tree(m.root, nil, nil, 0); err != nil {
		return torn, err
	}
	return torn, w.freelist()
}

func readMetas(r io.ReaderAt, size int64) (best meta, torn bool, err error) {
	first, ok := readMeta(r, 0)
	at := int64(first.pageSize)
	for size := int64(1024); !ok && size <= maxPageSize; size *= 2 {
		at = size // the second stands one page further; the page's size is written in itself
		if second, good := readMeta(r, at); good && int64(second.pageSize) == at {
			return second, true, second.belongs(1)
		}
	}
	second, good := readMeta(r, at)
	switch {
	case !ok:
		return meta{}, true, damaged("no intact meta page")
	case !good || second.pageSize != first.pageSize:
		return first, true, first.belongs(0)
	}
	err = errors.Join(first.belongs(0), second.belongs(1))
	if second.tx > first.tx {
		return second, false, err
	}
	return first, false, err
}

// belongs says whether the meta page stands in its place: even transactions in page 0, odd ones in
// page 1. bbolt would take one that a disk wrote to the wrong place for the newest.
func (m meta) belongs(place uint64) error {
	if m.id != place || m.tx%2 != place {
		return damaged("meta page %d of transaction %d in place of %d", m.id, m.tx, place)
	}
	return nil
}

func readMeta(r io.ReaderAt, at int64) (m meta, ok bool) {
	var page [pageHead + metaSize]byte
	if _, err := r.ReadAt(page[:], at); err != nil {
		return m, false
	}
	b := page[pageHead:]
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	if order.Uint32(b) != metaMagic || order.Uint32(b[4:]) != metaVersion ||
		order.Uint64(b[metaSize-8:]) != sum.Sum64() {
		return m, false
	}
	m = meta{id: order.Uint64(page[:]), pageSize: uint64(order.Uint32(b[8:])),
		root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), pages: order.Uint64(b[40:]),
		tx: order.Uint64(b[48:])}
	return m, m.pageSize >= 1024 && m.pageSize <= maxPageSize && m.pageSize&(m.pageSize-1) == 0
}

type walk struct {
	r    io.ReaderAt
	m    meta
	seen []bool
}

// page reads a whole page and claims it and its overflow.
func (w *walk) page(id uint64) ([]byte, error) {
	if id < 2 || id >= w.m.pages {
		return nil, damaged("page %d of %d", id, w.m.pages)
	}
	var head [pageHead]byte
	at := int64(id * w.m.pageSize)
	if _, err := w.r.ReadAt(head[:], at); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", errPages, id, err)
	}
	more := uint64(order.Uint32(head[12:]))
	if order.Uint64(head[:]) != id || more > maxOverflow || id+more >= w.m.pages {
		return nil, damaged("page %d calls itself %d and %d more", id, order.Uint64(head[:]), more)
	}
	for i := id; i <= id+more; i++ {
		if w.seen[i] {
			return nil, damaged("page %d is used twice", i)
		}
		w.seen[i] = true
	}
	page := make([]byte, (more+1)*w.m.pageSize)
	if _, err := w.r.ReadAt(page, at); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", errPages, id, err)
	}
	return page, nil
}

// tree walks the page and what hangs on it; its keys lie in low ≤ key < high (nil: no bound).
func (w *walk) tree(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return damaged("a tree deeper than %d", maxDepth)
	}
	page, err := w.page(id)
	if err != nil {
		return err
	}
	switch order.Uint16(page[8:]) {
	case leafPage:
		return w.leaf(page, low, high, depth)
	case branchPage:
		return w.branch(page, low, high, depth)
	}
	return damaged("page %d is of kind %x", id, order.Uint16(page[8:]))
}

func (w *walk) branch(page, low, high []byte, depth int) error {
	count := int(order.Uint16(page[10:]))
	if count == 0 {
		return damaged("a branch page without branches")
	}
	keys := make([][]byte, count)
	for i := range count {
		item := pageHead + i*pageItem
		if item+pageItem > len(page) {
			return damaged("a branch page with %d branches", count)
		}
		var err error
		pos, size := order.Uint32(page[item:]), order.Uint32(page[item+4:])
		if keys[i], err = part(page, item, pos, size); err != nil {
			return err
		}
	}
	if err := rising(keys, low, high); err != nil {
		return err
	}
	for i, key := range keys {
		next := high
		if i+1 < count {
			next = keys[i+1]
		}
		child := order.Uint64(page[pageHead+i*pageItem+8:])
		if err := w.tree(child, key, next, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) leaf(page, low, high []byte, depth int) error {
	count := int(order.Uint16(page[10:]))
	keys := make([][]byte, count)
	for i := range count {
		item := pageHead + i*pageItem
		if item+pageItem > len(page) {
			return damaged("a leaf page with %d items", count)
		}
		pos, size := order.Uint32(page[item+4:]), order.Uint32(page[item+8:])
		key, err := part(page, item, pos, size)
		if err != nil {
			return err
		}
		keys[i] = key
		value, err := part(page, item, pos+size, order.Uint32(page[item+12:]))
		if err != nil {
			return err
		}
		switch order.Uint32(page[item:]) {
		case 0:
		case bucketItem:
			if err := w.bucket(value, depth); err != nil {
				return err
			}
		default:
			return damaged("an item of kind %x", order.Uint32(page[item:]))
		}
	}
	return rising(keys, low, high)
}

// bucket walks a bucket: a tree of its own, or one small leaf page inside the value.
func (w *walk) bucket(value []byte, depth int) error {
	if len(value) < bucketHead {
		return damaged("a bucket of %d bytes", len(value))
	}
	if root := order.Uint64(value); root != 0 {
		return w.tree(root, nil, nil, depth+1)
	}
	inline := value[bucketHead:]
	if len(inline) < pageHead || order.Uint16(inline[8:]) != leafPage || depth >= maxDepth ||
		order.Uint64(inline) != 0 {
		return damaged("a bucket without a leaf in it")
	}
	return w.leaf(inline, nil, nil, depth+1)
}

func (w *walk) freelist() error {
	if w.m.freelist == noFreelist {
		return nil
	}
	page, err := w.page(w.m.freelist)
	if err != nil {
		return err
	}
	if order.Uint16(page[8:]) != freelistPage {
		return damaged("the free list is a page of kind %x", order.Uint16(page[8:]))
	}
	count, ids := uint64(order.Uint16(page[10:])), page[pageHead:]
	if count == 0xFFFF { // too many for the header: the first entry is their number
		count, ids = order.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return damaged("a free list of %d pages", count)
	}
	for i := range count {
		id := order.Uint64(ids[i*8:])
		if id < 2 || id >= w.m.pages || w.seen[id] {
			return damaged("page %d is free and is not", id)
		}
		w.seen[id] = true
		if i > 0 && id <= order.Uint64(ids[(i-1)*8:]) {
			return damaged("the free list is not in order")
		}
	}
	return nil
}

// part cuts size bytes, pos after the item at that offset, out of a page.
func part(page []byte, item int, pos, size uint32) ([]byte, error) {
	from := uint64(item) + uint64(pos)
	if pos < pageItem || from+uint64(size) > uint64(len(page)) {
		return nil, damaged("an item of %d bytes at %d of %d", size, from, len(page))
	}
	return page[from : from+uint64(size)], nil
}

func rising(keys [][]byte, low, high []byte) error {
	for i, key := range keys {
		if len(key) == 0 || i > 0 && bytes.Compare(keys[i-1], key) >= 0 ||
			low != nil && bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0 {
			return damaged("keys are not in order")
		}
	}
	return nil
}
