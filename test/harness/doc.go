// Package harness runs what Rempart talks to, for real and without containers:
// a Kubernetes control plane and S3 servers as child processes, and a proxy
// that injects faults between an S3 client and its server.
//
// Tests and the demo share it, so the core knows nothing of package testing;
// the helpers for tests are in testing.go. No child outlives the process that
// started it, however that process ends.
//
// Start reading at [StartControlPlane], [StartVersity] and [StartFaultProxy].
package harness
