// Package outcome says what came of a request to a store or to a vendor's API: what
// a failure means to a caller, what is noted of an answer, and how foreign words get
// into a message. It knows no vendor; what the codes and statuses of one mean stands
// in the rules of its driver.
//
// Start reading at Verdict.
package outcome
