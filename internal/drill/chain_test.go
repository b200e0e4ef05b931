package drill

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/provider"
)

// archive is a store that holds one evidence, or does not answer.
type archive struct {
	provider.Session
	key      string
	isSilent bool
}

func (archive) Place() provider.Place { return provider.Place{Provider: "ovh", Location: "GRA"} }

func (a archive) ListPage(ctx context.Context, _ string, _ provider.ListRequest) (provider.ListPage, error) {
	if a.isSilent {
		<-ctx.Done()
		return provider.ListPage{}, ctx.Err()
	}
	return provider.ListPage{Objects: []provider.Object{{Key: a.key}}}, nil
}

func (archive) Get(context.Context, provider.Ref, provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	return io.NopCloser(strings.NewReader("{}")), provider.Object{}, nil
}

func TestASilentStoreHoldsUpTheChainForAWhileOnly(t *testing.T) {
	names := Names{Namespace: "town", Bucket: "actes", Drill: "d", UID: "u"}
	name := nameOf(names, time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), nil)
	silent, answers := Copy{Session: archive{isSilent: true}}, Copy{Session: archive{key: keyOf(name, evidence.FileName)}}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		found, err := (&row{}).latest(t.Context(), names, nil, []Copy{silent, answers})
		if err != nil || found == nil || found.Name != name {
			t.Errorf("found %+v, %v", found, err)
		}
		if took := time.Since(began); took != evidenceTimeout {
			t.Errorf("it took %s", took)
		}
		if _, err := (&row{}).latest(t.Context(), names, nil, []Copy{silent}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("where no store answers: %v", err)
		}
	})
}
