package s3

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// span is the part of an object to send: bytes start up to, not including,
// end.
type span struct {
	start, end int64
	partial    bool
}

func (s span) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", s.start, s.end-1, size)
}

// span reads Range and partNumber.
func (c *call) span(o *Object) (span, error) {
	header := c.r.Header.Get("Range")
	number := c.query.Get("partNumber")
	switch {
	case header != "" && number != "":
		return span{}, s3error.BadRequest("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	case number != "":
		return partSpan(o, number)
	}
	return parseRange(header, c.size(o))
}

// parseRange reads a Range header. S3 serves one range; what it does not
// understand, it ignores.
func parseRange(header string, size int64) (span, error) {
	whole := span{end: size}
	text, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(text, "-")
	if !ok || !dash || strings.Contains(text, ",") {
		return whole, nil
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil {
			return whole, nil
		}
		if n <= 0 || size == 0 {
			return span{}, invalidRange(header, size)
		}
		return span{max(0, size-n), size, true}, nil
	}
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return whole, nil
	}
	end := size
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < start {
			return whole, nil
		}
		end = min(size, n+1)
	}
	if start >= size {
		return span{}, invalidRange(header, size)
	}
	return span{start, end, true}, nil
}

func invalidRange(header string, size int64) error {
	e := &s3error.Error{
		Status:  http.StatusRequestedRangeNotSatisfiable,
		Code:    "InvalidRange",
		Message: "The requested range is not satisfiable",
		Header:  map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", size)},
	}
	return e.With("RangeRequested", header).With("ActualObjectSize", strconv.FormatInt(size, 10))
}

// partSpan finds one part of a multipart object; any other object is its own
// only part.
func partSpan(o *Object, number string) (span, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxParts {
		return span{}, errPartNumber
	}
	sizes := o.PartSizes
	if len(sizes) == 0 {
		sizes = []int64{o.Size}
	}
	if n > len(sizes) {
		return span{}, &s3error.Error{
			Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidPartNumber",
			Message: "The requested partnumber is not satisfiable",
		}
	}
	var start int64
	for _, size := range sizes[:n-1] {
		start += size
	}
	return span{start, start + sizes[n-1], sizes[n-1] > 0}, nil
}
