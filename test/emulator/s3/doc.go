// Package s3 is an S3 server that lives in the test's own process and keeps
// keys exactly as they were sent.
//
// It is meant to be honest: signatures, content hashes, conditions, policies
// and retention are checked as S3 checks them, so a client that is wrong is
// refused, and a subresource it does not know is answered 501 instead of being
// ignored. Everything it holds is in memory and is lost at Close.
//
// On top of the ordinary surface it offers what a real store only does on its
// bad days: Server.Faults, and the vendors' habits among the Options.
//
// Start reading at Start, then Options, Effect and the operations table in
// operations.go.
package s3
