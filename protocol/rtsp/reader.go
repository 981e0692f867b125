package rtsp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Packet is one interleaved frame (RFC 2326 §10.12).
type Packet struct {
	Channel byte
	Data    []byte // valid until the next read
}

// Reader reads what a host sends on one connection.
type Reader struct {
	b        *bufio.Reader
	answered bool // one answer was RTSP: from now on media and requests of the host's own may come

	packet  []byte // of the frame being read
	channel byte
	want    int // bytes of that frame with its head; 0: none is being read
}

// NewReader reads from r, which the caller bounds in time.
func NewReader(r io.Reader) *Reader { return &Reader{b: bufio.NewReaderSize(r, MaxLine)} }

// Response reads the next answer and passes over interleaved media before it, interim answers (1xx)
// and requests of the host's own. The error is one of the reader, Strange, TooLong or Malformed.
func (r *Reader) Response() (Response, error) {
	skipped := 0
	for range maxSkips {
		for {
			p, ok, err := r.next()
			if err != nil {
				return Response{}, err
			}
			if !ok {
				break
			}
			if skipped += len(p.Data) + 4; skipped > MaxSkipped {
				return Response{}, TooLong
			}
		}
		answer, err := r.message()
		if err != nil || answer.Status >= 200 {
			return answer, err
		}
	}
	return Response{}, TooLong
}

// Packet reads the next interleaved frame and passes over answers before it.
func (r *Reader) Packet() (Packet, error) {
	for range maxSkips {
		p, ok, err := r.next()
		if err != nil || ok {
			return p, err
		}
		if _, err := r.message(); err != nil {
			return Packet{}, err
		}
	}
	return Packet{}, TooLong
}

// next looks what comes: a frame, which it reads, or a message, which it leaves. Anything else is an
// error at its first wrong byte: a host that drips is not waited for.
func (r *Reader) next() (Packet, bool, error) {
	if r.want > 0 {
		p, err := r.frame()
		return p, true, err
	}
	for range MaxLine {
		first, err := r.b.Peek(1)
		if err != nil {
			return Packet{}, false, err
		}
		switch {
		case first[0] == '$' && r.answered:
			p, err := r.frame()
			return p, true, err
		case first[0] == '\r' || first[0] == '\n': // some end a body with one line too many
			_, _ = r.b.Discard(1)
		case r.answered && first[0] >= 'A' && first[0] <= 'Z':
			return Packet{}, false, nil
		default:
			return Packet{}, false, r.begins()
		}
	}
	return Packet{}, false, TooLong
}

// begins says whether what comes begins as every answer does.
func (r *Reader) begins() error {
	const version = "RTSP/"
	for n := 1; n <= len(version); n++ {
		head, err := r.b.Peek(n)
		if string(head) != version[:len(head)] {
			return r.strange()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// strange is the error for what is in the buffer.
func (r *Reader) strange() error {
	head, _ := r.b.Peek(r.b.Buffered())
	return Strange{quote(head)}
}

// frame reads one interleaved frame. Whoever counts media ends in the middle of a frame more often than
// not: what was read of it is kept, and the next call goes on.
func (r *Reader) frame() (Packet, error) {
	if r.want == 0 {
		head, err := r.b.Peek(4)
		if err != nil {
			return Packet{}, err
		}
		r.channel, r.want = head[1], 4+(int(head[2])<<8|int(head[3]))
		r.packet = r.packet[:0]
		_, _ = r.b.Discard(4)
	}
	have := len(r.packet)
	r.packet = slices.Grow(r.packet, r.want-4-have)[:r.want-4]
	n, err := io.ReadFull(r.b, r.packet[have:])
	r.packet = r.packet[:have+n]
	if err != nil {
		return Packet{}, err
	}
	r.want = 0
	return Packet{Channel: r.channel, Data: r.packet}, nil
}

// message reads an answer; a request of the host's own is an answer with the status 0.
func (r *Reader) message() (Response, error) {
	first, err := r.line()
	if err != nil {
		return Response{}, err
	}
	answer := Response{}
	if !strings.HasSuffix(first, " RTSP/1.0") || strings.HasPrefix(first, "RTSP/") {
		if answer.Status = status(first); answer.Status == 0 {
			return Response{}, Strange{quote([]byte(first))}
		}
		r.answered = true
	}
	if err := r.header(&answer, len(first)); err != nil {
		return Response{}, err
	}
	return answer, r.body(&answer)
}

// status is the code of a status line (RFC 2326 §7.1); 0 if it is none.
func status(first string) int {
	version, rest, ok := strings.Cut(first, " ")
	if !ok || len(version) != len("RTSP/1.0") || !strings.HasPrefix(version, "RTSP/") {
		return 0
	}
	code, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 100 || n > 599 {
		return 0
	}
	return int(n)
}

// header reads the lines up to the empty one.
func (r *Reader) header(answer *Response, size int) error {
	for range MaxLines + 1 {
		text, err := r.line()
		if err != nil {
			return err
		}
		if text == "" {
			return nil
		}
		if size += len(text); size > MaxHeader {
			return TooLong
		}
		name, value, ok := strings.Cut(text, ":")
		switch last := len(answer.lines) - 1; {
		case text[0] == ' ' || text[0] == '\t': // a line that goes on
			if last >= 0 {
				answer.lines[last].value += " " + strings.TrimSpace(text)
			}
		case ok:
			answer.lines = append(answer.lines, line{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return TooLong
}

// line reads one line without its end.
func (r *Reader) line() (string, error) {
	text, err := r.b.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", TooLong
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	return string(bytes.TrimRight(text, "\r\n")), nil
}

// body reads the body, and the header fields that say what it is.
func (r *Reader) body(answer *Response) error {
	if n, err := strconv.ParseUint(answer.Value("CSeq"), 10, 31); err == nil {
		answer.CSeq = int(n)
	}
	lengths := answer.Values("Content-Length")
	if len(lengths) == 0 {
		return nil
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil || slices.ContainsFunc(lengths, func(l string) bool { return l != lengths[0] }) {
		return fmt.Errorf("length of the body: %w", Malformed)
	}
	if n > MaxBody {
		return fmt.Errorf("body: %w", TooLong)
	}
	answer.Body = make([]byte, n)
	if _, err := io.ReadFull(r.b, answer.Body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}
