// Package sigv4 is the server's side of AWS Signature Version 4: it verifies
// requests as S3 does, signed in a header or in the query, and bodies that are
// streamed in signed chunks.
//
// Start reading at Parse and Signature.Verify, then ChunkReader.
package sigv4
