package v1alpha1

// Condition types. Every kind has Ready after its first reconcile; Reconciling
// and Stalled stand only while they are True (kstatus). All others are positive:
// True is well, Unknown is not.
//
//	SovereignProvider     Ready ── Reachable, CredentialsValid, LocationsVerified, ClockInSync
//	                      WithinLimits    (where the vendor states limits)
//	                      EventsServed    (where the spec enables events)
//	SovereigntyPolicy     Ready
//	                      Satisfiable
//	                      WithinConcentration    (where the policy speaks of concentration)
//	SovereignBucket       Ready ── PlacementSatisfied, ResidencyCompliant of the primary
//	                      PlacementSatisfied
//	                      ResidencyCompliant
//	                      Protected ── Replicated ── InitialSyncComplete and WithinRPO of every replica
//	                                ├─ Verified ──── Verified of every replica
//	                                └─ DrillCurrent
//	BucketReplica         Ready ── Provisioned, and for a Replica InitialSyncComplete
//	                      Provisioned
//	                      InitialSyncComplete, WithinRPO, Verified    (role Replica only)
//	SovereignBucketAccess Ready     True once the key is published
//	                      CredentialsValid
//	ReversibilityDrill    Ready     True once Passed
//	                      CleanedUp
//	SovereigntyException  Ready ── Active
//	                      Active
const (
	ConditionReady       = "Ready"
	ConditionReconciling = "Reconciling"
	ConditionStalled     = "Stalled"

	// ConditionReachable: the provider answers.
	ConditionReachable = "Reachable"
	// ConditionCredentialsValid: the provider accepts the credentials; of an access, the keys that work are those that should.
	ConditionCredentialsValid = "CredentialsValid"
	// ConditionLocationsVerified: the place of every location is known and nothing contradicts it.
	ConditionLocationsVerified = "LocationsVerified"
	// ConditionClockInSync: the provider's clock is close enough to sign requests.
	ConditionClockInSync = "ClockInSync"
	// ConditionWithinLimits: the account keeps away from the limits that its vendor states.
	ConditionWithinLimits = "WithinLimits"
	// ConditionEventsServed: the operator takes the notifications of the store.
	ConditionEventsServed = "EventsServed"

	// ConditionSatisfiable: there are places that a bucket under the policy could have.
	ConditionSatisfiable = "Satisfiable"
	// ConditionWithinConcentration: no operator holds more of what is stored than the policy wants.
	ConditionWithinConcentration = "WithinConcentration"

	// ConditionPlacementSatisfied: places that satisfy the policy hold every copy.
	ConditionPlacementSatisfied = "PlacementSatisfied"
	// ConditionResidencyCompliant: every copy stands where the policy allows, and no
	// store copies one elsewhere by a rule that is not ours.
	ConditionResidencyCompliant = "ResidencyCompliant"
	// ConditionReplicated: every replica is complete and within its objective.
	ConditionReplicated = "Replicated"
	// ConditionVerified: the content was verified, cleanly and not long ago.
	ConditionVerified = "Verified"
	// ConditionDrillCurrent: a drill passed no longer ago than the policy allows.
	ConditionDrillCurrent = "DrillCurrent"
	// ConditionProtected: Replicated, Verified and DrillCurrent.
	ConditionProtected = "Protected"

	// ConditionProvisioned: the bucket exists, is ours and is set up as it should be.
	ConditionProvisioned = "Provisioned"
	// ConditionInitialSyncComplete: one complete run has brought over everything.
	ConditionInitialSyncComplete = "InitialSyncComplete"
	// ConditionWithinRPO: nothing older than the objective is missing.
	ConditionWithinRPO = "WithinRPO"

	// ConditionCleanedUp: nothing of the drill is left at a provider.
	ConditionCleanedUp = "CleanedUp"

	// ConditionActive: the rules that the exception names do not count now.
	ConditionActive = "Active"
)
