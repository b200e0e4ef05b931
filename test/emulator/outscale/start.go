package outscale

import "testing"

// Start gives a region that is closed when the test ends.
func Start(tb testing.TB, options Options) *Server {
	tb.Helper()
	server, err := New(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}
