package provider_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/rempart/rempart/internal/provider"
)

// shelf is a bucket with versions, of which some do not go.
type shelf struct {
	provider.Session
	page     provider.VersionsPage
	stubborn string

	mu      sync.Mutex
	busy    map[string]bool
	removed map[string]int
	aborted int
}

func (s *shelf) ListUploads(context.Context, string, string) ([]provider.Upload, error) {
	return []provider.Upload{{Key: "a", ID: "1"}}, nil
}

func (s *shelf) AbortUpload(context.Context, provider.Ref, string) error { s.aborted++; return nil }

func (s *shelf) ListVersionsPage(context.Context, string, provider.VersionsRequest) (provider.VersionsPage, error) {
	return s.page, nil
}

func (s *shelf) Remove(_ context.Context, ref provider.Ref) error {
	s.mu.Lock()
	if s.busy[ref.Key] {
		s.mu.Unlock()
		return fmt.Errorf("two versions of %q at a time", ref.Key)
	}
	s.busy[ref.Key] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy[ref.Key] = false
		s.removed[ref.Key]++
	}()
	if ref.Key == s.stubborn {
		return errStubborn
	}
	return nil
}

var errStubborn = errors.New("does not go")

func shelfOf(keys, perKey int) *shelf {
	s := &shelf{busy: map[string]bool{}, removed: map[string]int{}}
	for key := range keys {
		for version := range perKey {
			s.page.Versions = append(s.page.Versions, provider.Object{Key: fmt.Sprintf("k%02d", key), VersionID: fmt.Sprint(version)})
		}
	}
	return s
}

func TestEmptyTakesTheVersionsOfAKeyInTurn(t *testing.T) {
	s := shelfOf(20, 50)
	removed, err := provider.Empty(t.Context(), s, "actes")
	if err != nil || removed != 1000 || len(s.removed) != 20 || s.aborted != 1 {
		t.Errorf("removed %d of %d keys and %d uploads, %v", removed, len(s.removed), s.aborted, err)
	}
}

func TestEmptyStopsAtTheFirstThatDoesNotGo(t *testing.T) {
	s := shelfOf(20, 50)
	s.stubborn = "k00"
	if removed, err := provider.Empty(t.Context(), s, "actes"); !errors.Is(err, errStubborn) || removed == 1000 {
		t.Errorf("removed %d, %v", removed, err)
	}
}

func TestTheMarkGoesLast(t *testing.T) {
	s := &shelf{busy: map[string]bool{}, removed: map[string]int{}, stubborn: "acte"}
	s.page.Versions = []provider.Object{{Key: provider.MarkKey, VersionID: "1"}, {Key: "acte", VersionID: "2"}}
	if _, err := provider.Empty(t.Context(), s, "actes"); !errors.Is(err, errStubborn) || s.removed[provider.MarkKey] != 0 {
		t.Errorf("a bucket that cannot be emptied lost its mark, which was removed %d times: %v", s.removed[provider.MarkKey], err)
	}
	s.stubborn = ""
	if removed, err := provider.Empty(t.Context(), s, "actes"); err != nil || removed != 2 || s.removed[provider.MarkKey] != 1 {
		t.Errorf("removed %d, the mark %d times: %v", removed, s.removed[provider.MarkKey], err)
	}
}
