package outcome_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

var (
	// here is when answers come on the local clock, there on the other one.
	here  = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	there = here.Add(time.Hour)
)

func TestDelaysOfAnswersAreRead(t *testing.T) {
	dated := http.Header{"Date": {there.Format(http.TimeFormat)}}
	for name, test := range map[string]struct {
		value  string
		header http.Header
		came   time.Time
		want   time.Duration
	}{
		"in seconds": {value: "7", want: 7 * time.Second},
		"negative":   {value: "-7"},
		"not at all": {value: ""},
		"unreadable": {value: "soon", header: dated, came: here},
		"as a date, by the clock of who answered":    {value: there.Add(time.Minute).Format(http.TimeFormat), header: dated, came: here, want: time.Minute},
		"as a date, by our clock where there is one": {value: here.Add(time.Minute).Format(http.TimeFormat), came: here, want: time.Minute},
		"as a date, without any clock":               {value: here.Format(http.TimeFormat)},
		"as a date that is past":                     {value: here.Format(http.TimeFormat), header: dated, came: here},
	} {
		x := outcome.Exchange{Answered: test.came, Header: test.header.Clone()}
		if x.Header == nil {
			x.Header = http.Header{}
		}
		x.Header.Set("Retry-After", test.value)
		if got := x.RetryAfter(); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestWhatIsNotedOfAnAnswer(t *testing.T) {
	type noted struct{ Refused, IsPage, AsksToReturn bool }
	for name, test := range map[string]struct {
		exchange outcome.Exchange
		want     noted
	}{
		"no answer":             {outcome.Exchange{}, noted{}},
		"a success":             {outcome.Exchange{Status: 204}, noted{}},
		"a redirect":            {outcome.Exchange{Status: 302}, noted{Refused: true}},
		"a portal":              {outcome.Exchange{Status: 200, Header: http.Header{"Content-Type": {"Text/HTML; charset=utf-8"}}}, noted{IsPage: true}},
		"one who is busy":       {outcome.Exchange{Status: 503, Header: http.Header{"Retry-After": {"1"}}}, noted{Refused: true, AsksToReturn: true}},
		"one who is not there":  {outcome.Exchange{Status: 503}, noted{Refused: true}},
		"one who fails a while": {outcome.Exchange{Status: 500, Header: http.Header{"Retry-After": {"1"}}}, noted{Refused: true}},
	} {
		x := test.exchange
		if diff := cmp.Diff(test.want, noted{x.Refused(), x.IsPage(), x.AsksToReturn()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestHealthHasTheOtherClockWhereItIsTold(t *testing.T) {
	x := outcome.Exchange{Asked: here, Answered: here.Add(time.Second), Header: http.Header{"Date": {there.Format(http.TimeFormat)}}}
	if diff := cmp.Diff(provider.Health{ServerTime: there, AskedAt: here, AnsweredAt: here.Add(time.Second)}, x.Health()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	x.Header = nil
	if got := x.Health(); !got.ServerTime.IsZero() || !x.Date().Equal(x.Answered) {
		t.Errorf("without a Date: %+v, %s", got, x.Date())
	}
}
