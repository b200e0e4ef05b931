package v1alpha1

// Reasons of conditions and events. They are stable: alerts and scripts may
// match on them.
const (
	// ReasonSucceeded: the condition is True and there is nothing to add.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing: work towards the condition is under way.
	ReasonProgressing = "Progressing"
	// ReasonNotObserved: nothing is known yet.
	ReasonNotObserved = "NotObserved"
	// ReasonNotRequired: the policy does not ask for it.
	ReasonNotRequired = "NotRequired"
	// ReasonFailed: something failed that has no reason of its own; it is tried again.
	ReasonFailed = "Failed"
	// ReasonDeleting: the object is being deleted.
	ReasonDeleting = "Deleting"
	// ReasonSuspended: writing is suspended by spec.suspend.
	ReasonSuspended = "Suspended"

	// ReasonPolicyNotFound: the policy that the bucket names does not exist.
	ReasonPolicyNotFound = "PolicyNotFound"
	// ReasonBucketNotFound: the SovereignBucket that the object names does not exist.
	ReasonBucketNotFound = "BucketNotFound"
	// ReasonProviderNotFound: the SovereignProvider or location that the object names does not exist.
	ReasonProviderNotFound = "ProviderNotFound"
	// ReasonNamespaceNotAllowed: allowedNamespaces of the policy or provider does not include the namespace.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonInvalidConfiguration: the spec can never work as it is.
	ReasonInvalidConfiguration = "InvalidConfiguration"

	// ReasonCredentialsMissing: the Secret with the credentials, or a key in it, is missing.
	ReasonCredentialsMissing = "CredentialsMissing"
	// ReasonKeysRevoked: the keys were revoked with the bucket that they were for.
	ReasonKeysRevoked = "KeysRevoked"
	// ReasonAuthenticationFailed: the provider refused the credentials; they are not tried again until they change.
	ReasonAuthenticationFailed = "AuthenticationFailed"
	// ReasonConsumerKeyPending: the consumer key waits for somebody to confirm it at the provider.
	ReasonConsumerKeyPending = "ConsumerKeyPending"
	// ReasonTokenExpired: the provider says that the consumer key or token is over; it is not tried again until it changes.
	ReasonTokenExpired = "TokenExpired"
	// ReasonAccountLocked: the provider has locked the account for a while, after too many bad signatures.
	ReasonAccountLocked = "AccountLocked"
	// ReasonAccessDenied: the credentials are good and may not do this.
	ReasonAccessDenied = "AccessDenied"
	// ReasonProviderUnreachable: no answer came from the provider.
	ReasonProviderUnreachable = "ProviderUnreachable"
	// ReasonControlPlaneUnreachable: no answer came from the provider's API; its store may well answer.
	ReasonControlPlaneUnreachable = "ControlPlaneUnreachable"
	// ReasonProviderMaintenance: the provider says that the region is under maintenance.
	ReasonProviderMaintenance = "ProviderMaintenance"
	// ReasonRegionNotActivated: the account does not have the region that the location names.
	ReasonRegionNotActivated = "RegionNotActivated"
	// ReasonProjectNotFound: the provider knows no project of this id that the credentials may see.
	ReasonProjectNotFound = "ProjectNotFound"
	// ReasonServiceExpired: the service has ended with the provider; the data may be there still.
	ReasonServiceExpired = "ServiceExpired"
	// ReasonUserCreationStuck: the provider has been making a user for much longer than it takes.
	ReasonUserCreationStuck = "UserCreationStuck"
	// ReasonUserLimitReached: the account can have no more users.
	ReasonUserLimitReached = "UserLimitReached"
	// ReasonKeyLimitReached: the account or user can have no more keys.
	ReasonKeyLimitReached = "KeyLimitReached"
	// ReasonCertificateInvalid: the provider's certificate is not to be trusted.
	ReasonCertificateInvalid = "CertificateInvalid"
	// ReasonEndpointMoved: the provider says that its endpoint is elsewhere.
	ReasonEndpointMoved = "EndpointMoved"
	// ReasonQuotaExceeded: a limit of the account is reached.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonQuotaNear: a limit of the account will be reached soon.
	ReasonQuotaNear = "QuotaNear"
	// ReasonThrottled: the provider asks to slow down.
	ReasonThrottled = "Throttled"
	// ReasonClockSkew: the clocks of provider and operator differ too much to sign requests.
	ReasonClockSkew = "ClockSkew"

	// ReasonLocationUnknown: it is not known where a location, or the operator itself, stands.
	ReasonLocationUnknown = "LocationUnknown"
	// ReasonLocationsDeclared: every location has a country, declared by the provider's owner.
	ReasonLocationsDeclared = "LocationsDeclared"
	// ReasonLocationsConfirmed: the provider's own API says where every location is.
	ReasonLocationsConfirmed = "LocationsConfirmed"
	// ReasonLocationContradicted: what is declared of a location is not what the provider's API reports.
	ReasonLocationContradicted = "LocationContradicted"
	// ReasonLocationUnverified: the policy asks for a location that the provider's own API confirms, and this one is only declared.
	ReasonLocationUnverified = "LocationUnverified"
	// ReasonNodeContradicted: what is known of where a Node stands does not fit together.
	ReasonNodeContradicted = "NodeContradicted"
	// ReasonNodeOverridden: an administrator says where a Node stands, whatever else is known of it.
	ReasonNodeOverridden = "NodeOverridden"
	// ReasonNodePlaced: it is known where a Node stands, after it was not or was elsewhere.
	ReasonNodePlaced = "NodePlaced"
	// ReasonNodeUnplaced: it is not known any more where a Node stands.
	ReasonNodeUnplaced = "NodeUnplaced"
	// ReasonOutsidePerimeter: the location is outside the perimeter.
	ReasonOutsidePerimeter = "OutsidePerimeter"
	// ReasonCountryNotAllowed: the location's country is not among the allowed ones.
	ReasonCountryNotAllowed = "CountryNotAllowed"
	// ReasonSealTooLow: the SEAL of the location is lower than the policy asks for, or rests on too few answers.
	ReasonSealTooLow = "SealTooLow"
	// ReasonNotEnoughCopies: fewer places are eligible than copies are asked for.
	ReasonNotEnoughCopies = "NotEnoughCopies"
	// ReasonNotEnoughOperators: the eligible places belong to too few operators.
	ReasonNotEnoughOperators = "NotEnoughOperators"
	// ReasonTooClose: the policy asks for more distance between copies than there is.
	ReasonTooClose = "TooClose"
	// ReasonTooConcentrated: one operator holds a larger share of what is stored than the policy wants.
	ReasonTooConcentrated = "TooConcentrated"
	// ReasonOnPremiseRequired: the policy asks for premises of one's own, and this or every place is elsewhere.
	ReasonOnPremiseRequired = "OnPremiseRequired"
	// ReasonOnPremiseForbidden: the policy forbids premises of one's own.
	ReasonOnPremiseForbidden = "OnPremiseForbidden"
	// ReasonJurisdictionNotAllowed: who runs the location is, or may be, under a law that the policy does not allow.
	ReasonJurisdictionNotAllowed = "JurisdictionNotAllowed"
	// ReasonExceptionActive: a rule that would object does not count, because of a SovereigntyException.
	ReasonExceptionActive = "ExceptionActive"
	// ReasonExceptionExpired: the exception is over, and its rules count again.
	ReasonExceptionExpired = "ExceptionExpired"
	// ReasonRuleNotExceptable: the policy does not allow an exception to the rule.
	ReasonRuleNotExceptable = "RuleNotExceptable"
	// ReasonExceptionTooLong: the exception lasts longer than the policy allows.
	ReasonExceptionTooLong = "ExceptionTooLong"
	// ReasonSubjectNotFound: what the exception is for does not exist.
	ReasonSubjectNotFound = "SubjectNotFound"
	// ReasonPolicyNotBinding: the policy does not bind what the exception is for.
	ReasonPolicyNotBinding = "PolicyNotBinding"

	// ReasonAttestationMissing: the location lacks an attestation that the policy asks for.
	ReasonAttestationMissing = "AttestationMissing"
	// ReasonAttestationExpired: the attestation that the policy asks for is over.
	ReasonAttestationExpired = "AttestationExpired"
	// ReasonGridTooHigh: the electricity of the location costs the climate more than the policy allows, or an unknown amount.
	ReasonGridTooHigh = "GridTooHigh"
	// ReasonPUETooHigh: the data centre wastes more power than the policy allows, or an unknown amount.
	ReasonPUETooHigh = "PUETooHigh"
	// ReasonTainted: the provider is tainted, so no new copy is placed there.
	ReasonTainted = "Tainted"
	// ReasonNothingSelected: the selectors of the policy select no namespace, so it binds nothing.
	ReasonNothingSelected = "NothingSelected"
	// ReasonGrantTooWide: applications would get a wider key than the policy allows.
	ReasonGrantTooWide = "GrantTooWide"
	// ReasonCapabilityMissing: the store cannot do what the policy asks for.
	ReasonCapabilityMissing = "CapabilityMissing"
	// ReasonNotSelected: the bucket's own placement leaves this place out.
	ReasonNotSelected = "NotSelected"
	// ReasonPrimaryRelocationRequired: the primary is lost or may not stay where it is, and never moves by itself.
	ReasonPrimaryRelocationRequired = "PrimaryRelocationRequired"

	// ReasonNotAdoptable: the provider does not list the bucket as adoptable for this SovereignBucket.
	ReasonNotAdoptable = "NotAdoptable"
	// ReasonNameConflict: the name of the bucket or Secret is taken by something that is not ours.
	ReasonNameConflict = "NameConflict"
	// ReasonNotOwner: the bucket carries the mark of another owner.
	ReasonNotOwner = "NotOwner"
	// ReasonBucketMissing: the bucket does not exist at the provider.
	ReasonBucketMissing = "BucketMissing"
	// ReasonDriftDetected: the bucket was changed outside Rempart.
	ReasonDriftDetected = "DriftDetected"
	// ReasonProtectionMissing: the bucket lacks a protection that the policy asks for, and its store cannot add it.
	ReasonProtectionMissing = "ProtectionMissing"
	// ReasonPreflightFailed: a check before the first byte failed.
	ReasonPreflightFailed = "PreflightFailed"

	// ReasonSourceListingSuspicious: the listing of the source cannot be trusted.
	ReasonSourceListingSuspicious = "SourceListingSuspicious"
	// ReasonUnsortedListing: a listing repeats, loops or is out of order.
	ReasonUnsortedListing = "UnsortedListing"
	// ReasonKeysNotExact: the store would change the key of an object.
	ReasonKeysNotExact = "KeysNotExact"
	// ReasonReservedKey: the key of an object is under the prefix that Rempart keeps for itself.
	ReasonReservedKey = "ReservedKey"
	// ReasonUploadTooSlow: an object cannot be stored in requests as short as the store allows, over the line as it is.
	ReasonUploadTooSlow = "UploadTooSlow"
	// ReasonInterrupted: a run was stopped before its end; the next one goes on.
	ReasonInterrupted = "Interrupted"
	// ReasonDeletionGuardTripped: a run would delete too much and waits for approval.
	ReasonDeletionGuardTripped = "DeletionGuardTripped"
	// ReasonLagExceeded: a change older than the objective is missing in the copy.
	ReasonLagExceeded = "LagExceeded"
	// ReasonRPOUnattainable: the objective is shorter than listing the source or the copy takes, and no events serve it.
	ReasonRPOUnattainable = "RPOUnattainable"
	// ReasonEventsNotServed: the spec enables events, and the operator runs without an endpoint for them.
	ReasonEventsNotServed = "EventsNotServed"
	// ReasonVerificationMismatch: content is not what it should be.
	ReasonVerificationMismatch = "VerificationMismatch"
	// ReasonObjectsFailed: some objects could not be copied.
	ReasonObjectsFailed = "ObjectsFailed"

	// ReasonDeletionBlocked: what is being deleted cannot go yet; the message says how to go on.
	ReasonDeletionBlocked = "DeletionBlocked"
	// ReasonWaitingForKeys: a bucket that is deleted waits until every key to it is revoked.
	ReasonWaitingForKeys = "WaitingForKeys"
	// ReasonDeletionNotConfirmed: the bucket holds objects and nobody confirmed that they may go.
	ReasonDeletionNotConfirmed = "DeletionNotConfirmed"

	// ReasonDrillOverdue: no drill passed within the time that the policy sets.
	ReasonDrillOverdue = "DrillOverdue"
	// ReasonDrillFailed: the drill ended with the verdict Failed.
	ReasonDrillFailed = "DrillFailed"
	// ReasonDrillInconclusive: the drill came to an end that proves nothing.
	ReasonDrillInconclusive = "DrillInconclusive"
	// ReasonDrillPassed: the drill ended with the verdict Passed.
	ReasonDrillPassed = "DrillPassed"
	// ReasonDeadlineExceeded: the drill did not end in time.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonCleanupPending: something of the drill is still left at a provider.
	ReasonCleanupPending = "CleanupPending"
	// ReasonSigningKeyInvalid: the Secret with the key that signs evidence holds no
	// Ed25519 key, so no drill can prove anything.
	ReasonSigningKeyInvalid = "SigningKeyInvalid"
	// ReasonSandboxAbandoned: the sandbox of the drill was left behind on somebody's word.
	ReasonSandboxAbandoned = "SandboxAbandoned"
)
