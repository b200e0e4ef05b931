package provider

import "errors"

// Sentinels that every driver translates its vendor's codes into. They are
// wrapped in a fault.Error that says what to do next.
var (
	// ErrNotFound: the bucket, object, version or upload does not exist, as told
	// by an authenticated answer.
	ErrNotFound = errors.New("not found")
	// ErrNotEmpty: the bucket still holds versions.
	ErrNotEmpty = errors.New("bucket is not empty")
	// ErrOwnedByOther: the bucket's name is taken by another account.
	ErrOwnedByOther = errors.New("bucket name is taken by another account")
	// ErrAuthentication: the key is unknown or the signature wrong. Trying again
	// with the same key locks accounts.
	ErrAuthentication = errors.New("credentials were refused")
	// ErrDenied: the key is good and may not do this.
	ErrDenied = errors.New("access denied")
	// ErrClockSkew: the request's time is too far from the store's clock.
	ErrClockSkew = errors.New("clocks differ too much")
	// ErrQuota: a limit of the account is reached.
	ErrQuota = errors.New("quota exceeded")
	// ErrUnsupported: the store does not know the operation.
	ErrUnsupported = errors.New("not supported by the store")
	// ErrNotKept: the store took a setting and does not have it.
	ErrNotKept = errors.New("taken by the store and not kept")
	// ErrLocked: a version is under object lock and stays until that ends.
	ErrLocked = errors.New("under object lock")
	// ErrThrottled: too many requests.
	ErrThrottled = errors.New("throttled by the store")
	// ErrUnreachable: no answer came.
	ErrUnreachable = errors.New("no answer")
	// ErrCertificate: the endpoint's certificate is not to be trusted.
	ErrCertificate = errors.New("certificate is not trusted")
	// ErrContentMismatch: the bytes are not the ones announced.
	ErrContentMismatch = errors.New("content does not match its digest")
	// ErrChanged: the object is another one than expected.
	ErrChanged = errors.New("object changed meanwhile")
	// ErrUnsortedListing: a listing repeats, loops or is not in order.
	ErrUnsortedListing = errors.New("listing is not in order")
	// ErrSuspiciousListing: a listing's document does not answer what was asked.
	ErrSuspiciousListing = errors.New("listing does not answer what was asked")
	// ErrInvalidKey: the key cannot be sent, or would not be stored as it is.
	ErrInvalidKey = errors.New("key cannot be stored exactly")
	// ErrInvalidConfiguration: the place or credentials can never work.
	ErrInvalidConfiguration = errors.New("invalid configuration")
	// ErrNotReady: something that was asked for is being made, or waits for a person.
	ErrNotReady = errors.New("not ready yet")
	// ErrExpired: the service has ended with the vendor; what was in it may be there
	// still.
	ErrExpired = errors.New("the service has expired")
	// ErrMaintenance: the vendor says that the place is not to be used right now.
	ErrMaintenance = errors.New("under maintenance")
	// ErrServer: the store failed to carry out a valid request.
	ErrServer = errors.New("the store failed")
)
