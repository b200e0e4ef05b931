package fault

// Reason is a stable CamelCase word for why something failed. Every Reason that
// can reach a user has a constant of the same text in api/v1alpha1, where its
// meaning is documented; a test keeps the two lists in step.
type Reason string

// Reasons that packages below the controllers raise.
const (
	Unclassified              Reason = "Failed"
	AuthenticationFailed      Reason = "AuthenticationFailed"
	AccessDenied              Reason = "AccessDenied"
	BucketMissing             Reason = "BucketMissing"
	BucketNotFound            Reason = "BucketNotFound"
	CapabilityMissing         Reason = "CapabilityMissing"
	CertificateInvalid        Reason = "CertificateInvalid"
	CleanupPending            Reason = "CleanupPending"
	ClockSkew                 Reason = "ClockSkew"
	CredentialsMissing        Reason = "CredentialsMissing"
	DeadlineExceeded          Reason = "DeadlineExceeded"
	Deleting                  Reason = "Deleting"
	DeletionBlocked           Reason = "DeletionBlocked"
	DeletionGuardTripped      Reason = "DeletionGuardTripped"
	DeletionNotConfirmed      Reason = "DeletionNotConfirmed"
	DriftDetected             Reason = "DriftDetected"
	EndpointMoved             Reason = "EndpointMoved"
	GrantTooWide              Reason = "GrantTooWide"
	InvalidConfiguration      Reason = "InvalidConfiguration"
	KeysNotExact              Reason = "KeysNotExact"
	KeysRevoked               Reason = "KeysRevoked"
	LocationUnknown           Reason = "LocationUnknown"
	NameConflict              Reason = "NameConflict"
	NotOwner                  Reason = "NotOwner"
	PolicyNotFound            Reason = "PolicyNotFound"
	PreflightFailed           Reason = "PreflightFailed"
	PrimaryRelocationRequired Reason = "PrimaryRelocationRequired"
	Progressing               Reason = "Progressing"
	ProtectionMissing         Reason = "ProtectionMissing"
	ProviderUnreachable       Reason = "ProviderUnreachable"
	QuotaExceeded             Reason = "QuotaExceeded"
	ReservedKey               Reason = "ReservedKey"
	Interrupted               Reason = "Interrupted"
	ObjectsFailed             Reason = "ObjectsFailed"
	SourceListingSuspicious   Reason = "SourceListingSuspicious"
	Suspended                 Reason = "Suspended"
	Throttling                Reason = "Throttled"
	UnsortedListing           Reason = "UnsortedListing"
	VerificationMismatch      Reason = "VerificationMismatch"
	WaitingForKeys            Reason = "WaitingForKeys"
)
