// Package s3 is the driver for anything that speaks S3: the type S3 itself, and
// the data plane of the drivers whose vendors add a control plane to it.
//
// Requests about objects go through minio-go. Documents (listings, tags,
// versioning, policies) are asked for and read by document.go: minio-go's
// listings take no context or cannot be paged, and what it reads is not checked
// to be the answer to the question. Every request passes the recorder in
// transport.go, so that errors.go judges what really came back and not what a
// library made of it.
//
// Facts about stores were measured in November 2026 with versitygw 1.8.0, Ceph
// RGW 16.2.15 and MinIO 2026-02-12 unless a comment says otherwise.
//
// Start reading at Driver, then session.go.
package s3
