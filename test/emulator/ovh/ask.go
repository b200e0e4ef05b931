package ovh

import (
	"context"
	"fmt"

	goovh "github.com/ovh/go-ovh/ovh"
)

// Ask carries out a call with the vendor's own client and the account's
// application key, as scripts of somebody do who works on the project beside its
// operator. The path is the one after /1.0.
func (s *Server) Ask(ctx context.Context, method, path string, send, answer any) error {
	client, err := goovh.NewClient(s.URL, s.ApplicationKey, s.ApplicationSecret, s.ConsumerKey)
	if err != nil {
		return fmt.Errorf("make the vendor's client: %w", err)
	}
	return client.CallAPIWithContext(ctx, method, path, send, answer, true)
}
