package evidence

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// lines gives the lines of a file with what ends them, one at a time.
type lines struct {
	reader *bufio.Reader
	err    error
}

func newLines(from io.Reader) *lines { return &lines{reader: bufio.NewReaderSize(from, lineLimit)} }

// all yields each line, which is good until the next. What ends it before the end is
// in err.
func (l *lines) all(yield func([]byte) bool) {
	for {
		line, err := l.reader.ReadSlice('\n')
		if len(line) > 0 && !errors.Is(err, bufio.ErrBufferFull) && !yield(line) {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, bufio.ErrBufferFull):
			l.err = fmt.Errorf("a line has more than %d bytes", lineLimit)
			return
		case err != nil:
			l.err = err
			return
		}
	}
}
