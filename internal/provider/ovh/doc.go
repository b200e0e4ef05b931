// Package ovh is the driver for OVHcloud Public Cloud: a control plane, reached
// with the vendor's own client, for regions, users, keys, policies and buckets, and
// the S3 of a region for everything that is in a bucket.
//
// OVHcloud's access rules decide how it works. A key belongs to a user of the
// project, and reaches whatever that user's policy allows or, where the policy says
// nothing, whatever the user owns. So one user, the operator's, owns every bucket,
// and each consumer has a user of its own that owns none.
//
// What is known of the API, and from where, is in docs/ovhcloud.md; what is only
// assumed says so where it is used. Nothing here was tried against OVHcloud itself.
//
// Start reading at Driver, then session.go; errors.go says what answers mean.
package ovh
