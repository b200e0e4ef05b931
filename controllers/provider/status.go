package provider

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/session"
)

var eventNames = map[string]loop.EventNames{
	v1alpha1.ConditionReachable:         {True: "ProviderReachable", False: "ProviderUnreachable"},
	v1alpha1.ConditionCredentialsValid:  {False: "CredentialsRefused"},
	v1alpha1.ConditionLocationsVerified: {False: "LocationUnknown"},
	v1alpha1.ConditionClockInSync:       {False: "ClockSkew"},
}

// report puts what was found into the status and gives the conditions.
func (s *scope) report(err error) loop.Report {
	status := &s.provider.Status
	status.LocationNames = strings.Join(locationNames(s.provider), ",")
	status.Locations = s.locations()
	if s.credentialsKnown {
		status.RejectedCredentials = s.rejected
	}
	conditions := []metav1.Condition{s.reachable(), s.credentialsValid(), s.locationsVerified(), s.clockInSync()}
	if err == nil {
		conditions = append(conditions, condition.Join(v1alpha1.ConditionReady, conditions...))
	}
	return loop.Report{Conditions: conditions, RequeueAfter: interval(s.provider), Gone: s.gone}
}

// locations gives the facts about each location, with the capabilities that were
// found now or before.
func (s *scope) locations() []v1alpha1.LocationStatus {
	before := s.provider.Status.Locations
	locations := make([]v1alpha1.LocationStatus, 0, len(s.candidates))
	for _, candidate := range s.candidates {
		location := v1alpha1.LocationStatus{
			Name:         candidate.Location,
			Country:      candidate.Territory.Country,
			Perimeter:    v1alpha1.Perimeter(candidate.Territory.Perimeter),
			Endpoint:     s.endpoint(candidate.Location),
			Verification: verification(candidate),
		}
		index := slices.IndexFunc(before, func(l v1alpha1.LocationStatus) bool { return l.Name == location.Name })
		if index >= 0 && before[index].Endpoint == location.Endpoint {
			location.Capabilities, location.KeysNotKept = before[index].Capabilities, before[index].KeysNotKept
			location.CapabilitiesTriedAt = before[index].CapabilitiesTriedAt
		}
		if found, tried := s.trials[location.Name]; tried {
			location.Capabilities, location.KeysNotKept = found.capabilities, found.keysNotKept
			location.CapabilitiesTriedAt = &metav1.Time{Time: found.at.UTC().Truncate(time.Second)}
		}
		locations = append(locations, location)
	}
	return locations
}

func verification(candidate placement.Candidate) v1alpha1.LocationVerification {
	if candidate.Territory.Known() {
		return v1alpha1.VerificationDeclared
	}
	return v1alpha1.VerificationUnknown
}

func publish(found provider.Capabilities) v1alpha1.Capabilities {
	support := func(c provider.Capability) v1alpha1.CapabilitySupport { return v1alpha1.CapabilitySupport(found.Of(c)) }
	return v1alpha1.Capabilities{
		Versioning:  support(provider.CapabilityVersioning),
		Tagging:     support(provider.CapabilityTagging),
		ExactKeys:   support(provider.CapabilityExactKeys),
		ContentHash: support(provider.CapabilityContentHash),

		ObjectLock:   support(provider.CapabilityObjectLock),
		BucketPolicy: support(provider.CapabilityBucketPolicy),
		Lifecycle:    support(provider.CapabilityLifecycle),
		Encryption:   support(provider.CapabilityEncryption),

		ConditionalWrites: support(provider.CapabilityConditionalWrites),
		IfMatchQuoted:     support(provider.CapabilityIfMatchQuoted),
		IfMatchUnquoted:   support(provider.CapabilityIfMatchUnquoted),
		ChecksumHeaders:   support(provider.CapabilityChecksumHeaders),

		ListOrder:          support(provider.CapabilityListOrder),
		ListVersions:       support(provider.CapabilityListVersions),
		ExclusiveMarkers:   support(provider.CapabilityExclusiveMarkers),
		Multipart:          support(provider.CapabilityMultipart),
		EventNotifications: support(provider.CapabilityEventNotifications),
	}
}

func (s *scope) endpoint(name string) string {
	for _, location := range s.provider.Spec.Locations {
		if location.Name == name {
			return session.EndpointOf(s.provider, location)
		}
	}
	return ""
}

// Which condition an error of a probe belongs to, by its reason. Everything else
// is about reaching the provider.
var (
	credentialReasons = []fault.Reason{fault.AuthenticationFailed, fault.CredentialsMissing}
	clockReasons      = []fault.Reason{fault.ClockSkew}
	specReasons       = []fault.Reason{fault.InvalidConfiguration}
)

// failure gives the first failed probe with one of the reasons.
func (s *scope) failure(reasons []fault.Reason) (probed, fault.Reason) {
	for _, found := range s.probed {
		if reason := reasonOf(found.err); found.err != nil && slices.Contains(reasons, reason) {
			return found, reason
		}
	}
	return probed{}, ""
}

func reasonOf(err error) fault.Reason {
	if err == nil {
		return ""
	}
	return fault.Of(err).Reason
}

func (s *scope) reachable() metav1.Condition {
	if len(s.probed) == 0 {
		return condition.Unknown(v1alpha1.ConditionReachable, v1alpha1.ReasonNotObserved, "it was not looked yet")
	}
	others := slices.Concat(credentialReasons, clockReasons, specReasons)
	for _, found := range s.probed {
		reason := reasonOf(found.err)
		switch {
		case reason == "" || slices.Contains(clockReasons, reason) || reason == fault.AuthenticationFailed:
			continue
		case slices.Contains(others, reason):
			return condition.Unknown(v1alpha1.ConditionReachable, string(reason), at(found))
		default:
			return condition.False(v1alpha1.ConditionReachable, string(reason), at(found))
		}
	}
	return condition.True(v1alpha1.ConditionReachable, v1alpha1.ReasonSucceeded, "")
}

func (s *scope) credentialsValid() metav1.Condition {
	if found, reason := s.failure(credentialReasons); reason != "" {
		return condition.False(v1alpha1.ConditionCredentialsValid, string(reason), at(found))
	}
	answered := slices.ContainsFunc(s.probed, func(p probed) bool { return p.err == nil })
	if !answered {
		return condition.Unknown(v1alpha1.ConditionCredentialsValid, v1alpha1.ReasonNotObserved, "no location could tell")
	}
	return condition.True(v1alpha1.ConditionCredentialsValid, v1alpha1.ReasonSucceeded, "")
}

func (s *scope) clockInSync() metav1.Condition {
	if found, reason := s.failure(clockReasons); reason != "" {
		return condition.False(v1alpha1.ConditionClockInSync, string(reason), at(found))
	}
	told := slices.ContainsFunc(s.probed, func(p probed) bool { return p.hasSkew })
	if !told {
		return condition.Unknown(v1alpha1.ConditionClockInSync, v1alpha1.ReasonNotObserved, "no location told its time")
	}
	return condition.True(v1alpha1.ConditionClockInSync, v1alpha1.ReasonSucceeded, "")
}

func (s *scope) locationsVerified() metav1.Condition {
	var unknown []string
	for _, candidate := range s.candidates {
		if !candidate.Territory.Known() {
			unknown = append(unknown, candidate.Location)
		}
	}
	if len(unknown) > 0 {
		return condition.False(v1alpha1.ConditionLocationsVerified, v1alpha1.ReasonLocationUnknown,
			fmt.Sprintf("the country of %s is not known: set spec.locations[].country; until then nothing is placed there",
				strings.Join(unknown, ", ")))
	}
	return condition.True(v1alpha1.ConditionLocationsVerified, v1alpha1.ReasonLocationsDeclared, "declared by the provider's owner")
}

func at(found probed) string { return fmt.Sprintf("location %s: %v", found.location, found.err) }
