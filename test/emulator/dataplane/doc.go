// Package dataplane is the S3 side of one region of a vendor: a proxy in front of a
// real S3 server that verifies signatures with the vendor's keys, asks the vendor's
// rules who may do what, answers for what the vendor keeps about buckets, refuses
// what the vendor refuses, and passes everything else on under the real server's
// own key.
//
// What buckets are like is kept in a Region, which the vendor's own API reads and
// writes as well. What is an assumption about a vendor is marked so in vendor.go
// and judge.go.
//
// Start reading at Start, then Options, Region and the table in operations.go.
package dataplane
