// Package s3api is how the S3 API looks on the wire, for the servers that answer it:
// which request is which operation, how documents are read, and how a request is
// answered. Errors are in package s3error, signatures in package sigv4.
//
// Start reading at Operation and Reply.
package s3api
