package outscale

import (
	"fmt"
	"net/http"
)

// refusal is an answer that is an error.
type refusal struct {
	Status              int
	Code, Type, Details string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%d %s %s", r.Status, r.Code, r.Type) }

func refuse(status int, code, kind, format string, args ...any) *refusal {
	return &refusal{status, code, kind, fmt.Sprintf(format, args...)}
}

// Types of errors.
const (
	typeAccessDenied     = "AccessDenied"
	typeInvalidValue     = "InvalidParameterValue"
	typeInvalidParameter = "InvalidParameter"
	typeInvalidResource  = "InvalidResource"
	typeMissing          = "MissingParameter"
	typeConflict         = "ResourceConflict"
	typeQuota            = "TooManyResources (QuotaExceded)" // the vendor's spelling
)

// codeLocked tells of a key that is locked for a while.
const codeLocked = "13"

// Refusals without parameters. They are values to return, never to change.
var (
	errNotAuthenticated = refuse(http.StatusUnauthorized, "1", typeAccessDenied, "")
	errUnknownKey       = refuse(http.StatusBadRequest, "4120", typeInvalidValue, "")
	errDenied           = refuse(http.StatusForbidden, "4", typeAccessDenied, "You are not authorized to perform this action.")
	errPasswordHere     = refuse(http.StatusUnauthorized, "9", "AuthFailure", "The authentication using login/password is not allowed for this call.")
	errMethod           = refuse(http.StatusMethodNotAllowed, "2", typeAccessDenied, "HTTP method not allowed.")
	errKeyLimit         = refuse(http.StatusBadRequest, "10031", typeQuota, "The limit of access keys is reached.")
	errKeyNotFound      = refuse(http.StatusBadRequest, "5076", typeInvalidResource, "The access key does not exist.")
	errKeyNotValid      = refuse(http.StatusBadRequest, "4122", typeInvalidValue, "The access key is not valid.")
	errUserNotFound     = refuse(http.StatusBadRequest, "5083", typeInvalidResource, "The user does not exist.")
	errPolicyNotFound   = refuse(http.StatusBadRequest, "5102", typeInvalidResource, "The policy does not exist.")
	errUserExists       = refuse(http.StatusConflict, "9087", typeConflict, "The user exists already.")
	errDates            = refuse(http.StatusBadRequest, "4118", typeInvalidValue, "The dates are not in order.")
)

func errMissing(parameter string) *refusal {
	return refuse(http.StatusBadRequest, "7000", typeMissing, "Missing parameter(s), the following are required for this request: %s", parameter)
}

func errInvalid(parameter string) *refusal {
	return refuse(http.StatusBadRequest, "4123", typeInvalidValue, "The value of %s is not valid.", parameter)
}

func errMalformed(err error) *refusal {
	return refuse(http.StatusBadRequest, "3001", typeInvalidParameter, "The request cannot be read: %v", err)
}

func errUnknownAction(name string) *refusal {
	return refuse(http.StatusNotFound, "12000", "InvalidAction", "The action %s is not known.", name)
}

func errLocked(code string) *refusal {
	details := ""
	if code == codeLocked {
		details = "Too many failed connection attempts. Your access has been locked for 60 seconds."
	}
	return refuse(http.StatusUnauthorized, code, typeAccessDenied, "%s", details)
}
