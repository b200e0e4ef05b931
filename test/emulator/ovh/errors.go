package ovh

import (
	"fmt"
	"net/http"
)

// apiError is an answer that is no success. Answers about who asks have an
// errorCode and no class, as clients of the vendor have seen them; the others have
// a class.
type apiError struct {
	Status  int
	Class   string
	Code    string
	Message string
	Details map[string]string
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%d %s%s: %s", e.Status, e.Class, e.Code, e.Message)
}

// document is what goes over the wire.
func (e *apiError) document() map[string]any {
	d := map[string]any{"message": e.Message}
	if e.Class != "" {
		d["class"] = e.Class
	}
	if e.Code != "" {
		d["errorCode"] = e.Code
		d["httpCode"] = fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	if len(e.Details) > 0 {
		d["details"] = e.Details
	}
	return d
}

// Answers that clients of the vendor test for, or that issue threads show; where
// each comes from is in docs/emulators.md.
func errNotLoggedIn() error {
	return &apiError{Status: http.StatusUnauthorized, Message: "You must login first"}
}

func errInvalidSignature() error {
	return &apiError{Status: http.StatusBadRequest, Code: "INVALID_SIGNATURE", Message: "Invalid signature"}
}

func errUnknownConsumerKey() error {
	return &apiError{Status: http.StatusForbidden, Code: "NOT_CREDENTIAL", Message: "This credential does not exist"}
}

// errInvalidCredential is the answer to a consumer key that waits for validation
// and to one that has expired alike.
func errInvalidCredential() error {
	return &apiError{Status: http.StatusForbidden, Code: "INVALID_CREDENTIAL", Message: "This credential is not valid"}
}

func errNotGranted() error {
	return &apiError{Status: http.StatusForbidden, Code: "NOT_GRANTED_CALL", Message: "This call has not been granted"}
}

// errNotAllowedByIAM has the details that go-ovh reads.
func errNotAllowedByIAM(action string) error {
	return &apiError{
		Status: http.StatusForbidden, Class: "Client::Forbidden", Message: "User not granted for this request",
		Details: map[string]string{"unauthorizedActionsByIAM": action},
	}
}

func errContainerNotFound() error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: "not found: NotFound"}
}

// errOwnerNotFound also is the answer to an owner that is not ready yet.
func errOwnerNotFound(id int64) error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: fmt.Sprintf("not found: user %d not found", id)}
}

func errInvalidParameter(message string) error {
	return &apiError{Status: http.StatusBadRequest, Class: "Client::BadRequest::InvalidParameter", Message: message}
}
