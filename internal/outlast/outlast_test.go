package outlast_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rempart/rempart/internal/outlast"
)

func TestItOutlastsItsParentForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, leave := context.WithCancel(t.Context())
		ctx, cancel := outlast.Context(parent, 10*time.Second)
		defer cancel()
		time.Sleep(time.Hour)
		leave()
		time.Sleep(9 * time.Second)
		if ctx.Err() != nil {
			t.Fatal("it ended with its parent")
		}
		left := time.Now()
		<-ctx.Done()
		if more := time.Since(left); more != time.Second {
			t.Errorf("it went on for %s more", more)
		}
	})
}

func TestItEndsWhenItIsTold(t *testing.T) {
	ctx, cancel := outlast.Context(t.Context(), time.Hour)
	cancel()
	if ctx.Err() == nil {
		t.Error("it goes on")
	}
}
