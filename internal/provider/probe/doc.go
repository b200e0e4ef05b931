// Package probe finds out what a store can do by doing it: whatever it says it
// can counts for nothing until it came back.
//
// Everything is tried under a reserved prefix, or in a scratch bucket, and
// removed again, versions included.
//
// Start reading at KeyTrial, ContentHash and Capabilities.
package probe
