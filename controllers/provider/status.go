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
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/session"
)

var eventNames = map[string]loop.EventNames{
	v1alpha1.ConditionReachable:         {True: "ProviderReachable", False: "ProviderUnreachable"},
	v1alpha1.ConditionCredentialsValid:  {False: "CredentialsRefused"},
	v1alpha1.ConditionLocationsVerified: {False: "LocationsNotVerified"},
	v1alpha1.ConditionWithinLimits:      {False: "LimitNear"},
	v1alpha1.ConditionClockInSync:       {False: "ClockSkew"},
}

// maximumAttestations is how many a status takes.
const maximumAttestations = 128

// report puts what was found into the status and gives the conditions.
func (s *scope) report(err error) loop.Report {
	status := &s.provider.Status
	status.LocationNames = s.locationNames()
	status.Operator = location.OperatorOf(s.provider)
	status.Locations = s.locations()
	attested := location.Attested(location.Of(s.provider))
	status.Attestations = attested[:min(len(attested), maximumAttestations)]
	status.Sovereignty = sovereigntyOf(s.candidates, s.now)
	if s.credentialsKnown {
		status.RejectedCredentials = s.rejected
	}
	conditions := []metav1.Condition{s.reachable(), s.credentialsValid(), s.locationsVerified(), s.clockInSync()}
	if err == nil {
		conditions = append(conditions, condition.Join(v1alpha1.ConditionReady, conditions...))
	}
	if limits, stated := s.withinLimits(); stated {
		conditions = append(conditions, limits)
	}
	return loop.Report{Conditions: conditions, RequeueAfter: interval(s.provider), Gone: s.gone}
}

// locationNames lists the locations for printing.
func (s *scope) locationNames() string {
	var names []string
	for _, candidate := range s.candidates {
		names = append(names, candidate.Location)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// locations gives the facts about each location, with the capabilities that were
// found now or before.
func (s *scope) locations() []v1alpha1.LocationStatus {
	known := s.provider.Status.Locations
	if !s.provider.Spec.DiscoversLocations() {
		known = keepTrials(known, s.declared())
	}
	for i := range known {
		if found, tried := s.trials[known[i].Name]; tried {
			known[i].Capabilities, known[i].KeysNotKept = found.capabilities, found.keysNotKept
			known[i].CapabilitiesTriedAt = &metav1.Time{Time: found.at.UTC().Truncate(time.Second)}
		}
	}
	return known
}

// declared gives the facts about locations that no API tells of.
func (s *scope) declared() []v1alpha1.LocationStatus {
	declared := location.Declared(s.provider)
	for i := range declared {
		declared[i].Endpoint = session.EndpointOf(s.provider, declared[i].Name)
	}
	return declared
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

func (s *scope) endpoint(name string) string { return session.EndpointOf(s.provider, name) }

// Which condition an error of a probe belongs to, by its reason. Everything else
// is about reaching the provider.
var (
	credentialReasons = []fault.Reason{fault.AuthenticationFailed, fault.TokenExpired, fault.ConsumerKeyPending, fault.CredentialsMissing}
	// refusals are answers, so that the provider was reached.
	refusals     = []fault.Reason{fault.AuthenticationFailed, fault.TokenExpired, fault.ConsumerKeyPending}
	clockReasons = []fault.Reason{fault.ClockSkew}
	// userReasons are about the user with which the store is reached, as the vendor's
	// API answers.
	userReasons = []fault.Reason{fault.Progressing, fault.UserCreationStuck, fault.UserLimitReached, fault.KeyLimitReached}
	specReasons = []fault.Reason{fault.InvalidConfiguration}
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
	answers := slices.Concat(clockReasons, refusals, userReasons)
	others := slices.Concat(credentialReasons, specReasons)
	for _, found := range s.probed {
		reason := reasonOf(found.err)
		switch {
		case reason == "" || slices.Contains(answers, reason):
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
	const this = v1alpha1.ConditionLocationsVerified
	unknown := s.named(func(c placement.Candidate) bool { return !c.Territory.Known() && c.Contradiction.IsZero() })
	absent := s.named(func(c placement.Candidate) bool { return c.Availability == v1alpha1.LocationNotActivated })
	unconfirmed := s.named(func(c placement.Candidate) bool { return c.Verification != v1alpha1.VerificationConfirmed })
	switch contradictions := s.contradictions(); {
	case len(s.candidates) == 0:
		return condition.Unknown(this, v1alpha1.ReasonNotObserved, "the provider's regions are not discovered yet")
	case contradictions != "":
		return condition.False(this, v1alpha1.ReasonLocationContradicted, contradictions+"; nothing is placed there until that is settled")
	case unknown != "":
		return condition.False(this, v1alpha1.ReasonLocationUnknown,
			fmt.Sprintf("the country of %s is not known: set spec.locations[].country; until then nothing is placed there", unknown))
	case absent != "":
		return condition.False(this, v1alpha1.ReasonRegionNotActivated,
			fmt.Sprintf("the account has no object storage in %s: activate it at the provider, or take it out of spec.locations", absent))
	case !s.provider.Spec.DiscoversLocations():
		return condition.True(this, v1alpha1.ReasonLocationsDeclared, "declared by the provider's owner")
	case unconfirmed != "":
		return condition.True(this, v1alpha1.ReasonLocationsDeclared,
			fmt.Sprintf("the provider's own API does not say where %s is; it is taken from spec.locations, or the shipped catalogue", unconfirmed))
	}
	return condition.True(this, v1alpha1.ReasonLocationsConfirmed, "the provider's own API says so")
}

// named lists the locations of which something is so.
func (s *scope) named(isSo func(placement.Candidate) bool) string {
	var names []string
	for _, candidate := range s.candidates {
		if isSo(candidate) {
			names = append(names, candidate.Location)
		}
	}
	return strings.Join(names, ", ")
}

func (s *scope) contradictions() string {
	var said []string
	for _, candidate := range s.candidates {
		if !candidate.Contradiction.IsZero() {
			said = append(said, fmt.Sprintf("of location %s %s", candidate.Location, candidate.Contradiction))
		}
	}
	return strings.Join(said, "; ")
}

func at(found probed) string { return found.describe().Error() }
