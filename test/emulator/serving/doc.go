// Package serving is what the emulated servers have in common, whatever they emulate:
// how they begin and end, what they remember of requests, how faults are armed and
// hit, and how an answer is swallowed or cut off.
//
// Start reading at Service, then Log and Faults.
package serving
