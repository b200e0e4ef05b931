package mover

import (
	"context"
	"sync"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// stopwatch adds up how long a store takes to list.
type stopwatch struct {
	now func() time.Time

	mu  sync.Mutex
	sum time.Duration
}

// intercept is a provider.Interceptor.
func (s *stopwatch) intercept(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	if operation.Name != "ListPage" {
		return call(ctx)
	}
	began := s.now()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sum += s.now().Sub(began)
	}()
	return call(ctx)
}

func (s *stopwatch) total() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}
