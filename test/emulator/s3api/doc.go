// Package s3api is how the S3 API looks on the wire, for the servers that answer it:
// which request is which operation, and how documents are written and read. Errors
// are in package s3error, signatures in package sigv4.
//
// Start reading at Operation.
package s3api
