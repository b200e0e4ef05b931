package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SovereigntyPolicySpec is a set of rules that datasets live under. A rule that
// is absent asks for nothing.
// +kubebuilder:validation:XValidation:rule="!has(self.prioritizers) || has(self.near) || !self.prioritizers.exists(p, p.name == 'Proximity')",message="prioritizer Proximity needs near: it says to what a place is close"
// +kubebuilder:validation:XValidation:rule="!(has(self.residency) && has(self.residency.location) && self.residency.location == 'Confirmed' && has(self.copies) && has(self.copies.onPremise) && self.copies.onPremise in ['Required', 'Only']) || has(self.exceptions) && has(self.exceptions.rules) && 'verification' in self.exceptions.rules",message="copies.onPremise Required or Only and residency.location Confirmed exclude each other: no provider's API confirms one's own premises. Ask for Declared, or list verification in exceptions.rules"
type SovereigntyPolicySpec struct {
	// description says what the policy is for.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`
	// allowedNamespaces selects the namespaces whose buckets may name this
	// policy. Absent selects none, {} selects all.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && e.values.size() > 0 : e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || e.values.size() == 0))",message="this selector can select nothing: operators are In and NotIn, with values, or Exists and DoesNotExist, without"
	AllowedNamespaces *metav1.LabelSelector `json:"allowedNamespaces,omitempty"`
	// appliesTo makes the policy a baseline: it binds every bucket that it selects,
	// beside the policy that the bucket names. Absent binds only who names it.
	// +optional
	AppliesTo *AppliesTo `json:"appliesTo,omitempty"`
	// validationActions say what an objection of this policy does: Deny (default)
	// keeps data away; Warn and Audit keep nothing away, and show what Deny would do.
	// A bucket's condition tells of a Warn, while an Audit is only recorded.
	// +optional
	// +default=["Deny"]
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="!('Deny' in self) || self.size() == 1",message="Deny stands alone: validationActions are [Deny], [Warn], [Audit] or [Warn, Audit]"
	ValidationActions []ValidationAction `json:"validationActions,omitempty"`
	// residency says where every copy must stand.
	// +required
	Residency Residency `json:"residency,omitzero"`
	// jurisdiction says whose law may reach whoever runs a place. Absent asks for
	// nothing.
	// +optional
	Jurisdiction Jurisdiction `json:"jurisdiction,omitzero"`
	// attestations that places must have.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Attestations []AttestationRule `json:"attestations,omitempty"`
	// seal asks for a SEAL of the EU Cloud Sovereignty Framework. Absent asks for
	// nothing.
	// +optional
	Seal SealRules `json:"seal,omitzero"`
	// copies says how many copies there are and how they differ.
	// +optional
	Copies CopyRules `json:"copies,omitzero"`
	// access says what kind of keys applications may get.
	// +optional
	Access AccessRules `json:"access,omitzero"`
	// concentration says how much one operator should hold of all that is stored
	// under this policy. It is shown and lowers scores; it never refuses a place.
	// +optional
	Concentration ConcentrationRules `json:"concentration,omitzero"`
	// prioritizers say which of the places that satisfy every rule are chosen, by
	// weight. Absent is Sovereignty alone.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Prioritizers []Prioritizer `json:"prioritizers,omitempty"`
	// near is the place that prioritizer Proximity measures from, such as the town
	// hall.
	// +optional
	Near *Point `json:"near,omitempty"`
	// environment bounds what the electricity of a place may cost the climate.
	// +optional
	Environment Environment `json:"environment,omitzero"`
	// protection says how the buckets are set up.
	// +optional
	Protection Protection `json:"protection,omitzero"`
	// replication says how copies are kept.
	// +optional
	Replication Replication `json:"replication,omitzero"`
	// objectives are what the copies must achieve.
	// +optional
	Objectives Objectives `json:"objectives,omitzero"`
	// drills says how often the way out must be proven.
	// +optional
	Drills DrillRules `json:"drills,omitzero"`
	// exceptions say which rules may be excepted by a SovereigntyException, and for
	// how long. Absent allows no exception.
	// +optional
	Exceptions ExceptionRules `json:"exceptions,omitzero"`
}

// Residency says where every copy must stand.
// +kubebuilder:validation:XValidation:rule="!has(self.allowedCountries) || self.allowedCountries.size() == 0 || self.allowedCountries.exists(c, (self.perimeter == 'FR' ? 'FR GP MQ GF RE YT MF' : self.perimeter == 'EU' ? 'FR GP MQ GF RE YT MF AT BE BG HR CY CZ DK EE FI DE GR EL HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE AX' : 'FR GP MQ GF RE YT MF AT BE BG HR CY CZ DK EE FI DE GR EL HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE AX IS LI NO').contains(c))",message="none of allowedCountries is inside perimeter, so no place could satisfy both: allowedCountries narrows the perimeter and never widens it"
type Residency struct {
	// perimeter that must contain every copy: FR, EU or EEA. FR is inside EU, EU
	// is inside EEA.
	// +required
	// +kubebuilder:validation:XValidation:rule="self != 'None'",message="perimeter must be FR, EU or EEA: data always has a perimeter"
	Perimeter Perimeter `json:"perimeter,omitempty"`
	// allowedCountries narrows the perimeter to these ISO 3166-1 codes. Empty
	// allows every country of the perimeter.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	AllowedCountries []CountryCode `json:"allowedCountries,omitempty"`
	// location says how sure the place of a copy must be: Confirmed by the provider's
	// own API, or Declared (default) by its owner or the shipped catalogue. Premises of
	// one's own are never more than Declared.
	// +optional
	Location LocationAssurance `json:"location,omitempty"`
}

// LocationAssurance is the weakest verification of a location that is accepted.
// +kubebuilder:validation:Enum=Confirmed;Declared
type LocationAssurance string

// Assurances of where a location stands.
const (
	AssuranceConfirmed LocationAssurance = "Confirmed"
	AssuranceDeclared  LocationAssurance = "Declared"
)

// AppliesTo selects the buckets that a baseline binds.
type AppliesTo struct {
	// namespaceSelector selects the namespaces of the buckets. {} selects all.
	// +required
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && e.values.size() > 0 : e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || e.values.size() == 0))",message="this selector can select nothing: operators are In and NotIn, with values, or Exists and DoesNotExist, without"
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
}

// ValidationAction says what an objection does.
// +kubebuilder:validation:Enum=Deny;Warn;Audit
type ValidationAction string

// Actions: Deny keeps data away, Warn and Audit only say so.
const (
	ActionDeny  ValidationAction = "Deny"
	ActionWarn  ValidationAction = "Warn"
	ActionAudit ValidationAction = "Audit"
)

// Jurisdiction says whose law may reach whoever runs a place. Where a store stands is
// another question: see residency. What is not known of an operator satisfies
// nothing.
type Jurisdiction struct {
	// perimeter that must contain both the seat of the operator and whoever controls
	// it. Absent asks for neither.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self != 'None'",message="perimeter must be FR, EU or EEA: leave it out to ask for none"
	Perimeter Perimeter `json:"perimeter,omitempty"`
	// maxNonEUHolderPercent is the largest share that one holder from outside the
	// Union may have, such as "24" in SecNumCloud.
	// +optional
	MaxNonEUHolderPercent Percent `json:"maxNonEUHolderPercent,omitempty"`
	// maxNonEUTotalPercent is the largest share that all holders from outside the
	// Union may have together, such as "39" in SecNumCloud.
	// +optional
	MaxNonEUTotalPercent Percent `json:"maxNonEUTotalPercent,omitempty"`
	// extraterritorialLaw Forbidden refuses operators that laws of a country outside
	// the Union reach, and those of whom that is not known. Allowed is the default.
	// +optional
	// +kubebuilder:validation:Enum=Forbidden;Allowed
	ExtraterritorialLaw Requirement `json:"extraterritorialLaw,omitempty"`
}

// AttestationRule asks for an attestation of the object storage at the places of
// copies.
type AttestationRule struct {
	// scheme that must be attested, such as SecNumCloud, in any case.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._-]*$`
	Scheme string `json:"scheme,omitempty"`
	// minimumVersion of the scheme, such as 3.2. Absent takes any.
	// +optional
	MinimumVersion SchemeVersion `json:"minimumVersion,omitempty"`
	// appliesTo says which copies need it: AllCopies (default), CloudCopies (those
	// outside the authority's own premises), AnyCopy (at least one), or the Primary.
	// +optional
	AppliesTo AttestedCopies `json:"appliesTo,omitempty"`
	// requirement is Required (default), or Preferred, which only ranks places.
	// +optional
	// +kubebuilder:validation:Enum=Required;Preferred
	Requirement Requirement `json:"requirement,omitempty"`
}

// AttestedCopies says which copies need an attestation.
// +kubebuilder:validation:Enum=AllCopies;CloudCopies;AnyCopy;Primary
type AttestedCopies string

// Copies that need an attestation.
const (
	AttestAllCopies   AttestedCopies = "AllCopies"
	AttestCloudCopies AttestedCopies = "CloudCopies"
	AttestAnyCopy     AttestedCopies = "AnyCopy"
	AttestPrimary     AttestedCopies = "Primary"
)

// Environment bounds what the electricity of a place may cost the climate. What is
// not known of a place satisfies no bound.
type Environment struct {
	// maximumGridIntensity is grams of CO2 equivalent per kWh, a yearly average.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	MaximumGridIntensity *int32 `json:"maximumGridIntensity,omitempty"`
	// maximumPUE is power usage effectiveness: all power of the data centre over that
	// of its machines, such as "1.5".
	// +optional
	MaximumPUE PUE `json:"maximumPUE,omitempty"`
}

// Requirement says how much something is wanted. Each field that has one says which
// of them it takes.
type Requirement string

// Requirements. Required asks for at least one copy, Only for nothing else.
const (
	Required  Requirement = "Required"
	Preferred Requirement = "Preferred"
	Allowed   Requirement = "Allowed"
	Forbidden Requirement = "Forbidden"
	Only      Requirement = "Only"
)

// CopyRules says how many copies there are and how they differ.
// +kubebuilder:validation:XValidation:rule="!has(self.distinctOperators) || self.distinctOperators <= (has(self.minimum) ? self.minimum : 1)",message="distinctOperators cannot be more than minimum: there would be more operators than copies"
type CopyRules struct {
	// minimum number of copies; the primary counts. Default 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8
	Minimum int32 `json:"minimum,omitempty"`
	// distinctOperators is how many different operators hold copies, counted by
	// group. Default 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8
	DistinctOperators int32 `json:"distinctOperators,omitempty"`
	// minimumDistanceKm is how far every two copies are apart at least, in
	// kilometres along the surface of the earth. A place whose coordinates are not
	// known is far from nothing. Absent asks for nothing.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20000
	MinimumDistanceKm int32 `json:"minimumDistanceKm,omitempty"`
	// onPremise says whether copies stand in the authority's own premises:
	// Required (at least one), Preferred, Allowed (default), Forbidden, Only.
	// +optional
	// +kubebuilder:validation:Enum=Required;Preferred;Allowed;Forbidden;Only
	OnPremise Requirement `json:"onPremise,omitempty"`
}

// ConcentrationRules say how much one operator should hold.
type ConcentrationRules struct {
	// maximumSharePercent is the share of the stored bytes of all buckets that name
	// this policy that one operator should hold at most.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaximumSharePercent int32 `json:"maximumSharePercent,omitempty"`
}

// PrioritizerName names what makes one place better than another.
// +kubebuilder:validation:Enum=Sovereignty;Carbon;Proximity;Spread
type PrioritizerName string

// Prioritizers. Sovereignty reads where a place stands, how sure that is and who
// controls its operator; Carbon how much CO2 its power makes; Proximity how far it
// is from near; Spread how much its operator holds already.
const (
	PrioritizerSovereignty PrioritizerName = "Sovereignty"
	PrioritizerCarbon      PrioritizerName = "Carbon"
	PrioritizerProximity   PrioritizerName = "Proximity"
	PrioritizerSpread      PrioritizerName = "Spread"
)

// Prioritizer is one reason to prefer a place, with its weight.
type Prioritizer struct {
	// name of the prioritizer: Sovereignty, Carbon, Proximity or Spread.
	// +required
	Name PrioritizerName `json:"name,omitempty"`
	// weight beside the other prioritizers. Default 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight,omitempty"`
}

// Point is a place on the earth.
type Point struct {
	// latitude in degrees, north is positive: a decimal number such as "48.11".
	// +required
	Latitude Latitude `json:"latitude,omitempty"`
	// longitude in degrees, east is positive: a decimal number such as "-1.68".
	// +required
	Longitude Longitude `json:"longitude,omitempty"`
}

// GrantLevel says how far an application's key reaches.
// +kubebuilder:validation:Enum=Scoped;AccountWide
type GrantLevel string

// Grant levels: Scoped keys reach one bucket, AccountWide keys the whole account.
const (
	GrantScoped      GrantLevel = "Scoped"
	GrantAccountWide GrantLevel = "AccountWide"
)

// AccessRules says what kind of keys applications may get.
type AccessRules struct {
	// minimumGrant is the widest key that an application may get: Scoped refuses
	// a primary where only keys to the whole account exist. Absent allows both.
	// +optional
	MinimumGrant GrantLevel `json:"minimumGrant,omitempty"`
}

// Protection says how the buckets are set up.
type Protection struct {
	// versioning Required keeps old versions in every copy's bucket, and refuses
	// places that cannot. Absent asks for nothing.
	// +optional
	// +kubebuilder:validation:Enum=Required
	Versioning Requirement `json:"versioning,omitempty"`
	// objectLock puts everything that is written to any copy's bucket under lock for
	// a time, and refuses places that cannot. It takes effect when a bucket is made:
	// most stores cannot add it later. Absent asks for nothing.
	// +optional
	ObjectLock *ObjectLock `json:"objectLock,omitempty"`
	// encryption says who encrypts what is stored: ProviderManaged has the store do
	// it with keys of its own, and refuses places that cannot; None (default) asks
	// for nothing.
	// +optional
	Encryption EncryptionAtRest `json:"encryption,omitempty"`
	// drift says what happens when a bucket is found changed: Correct (default)
	// sets it right, Report only shows it.
	// +optional
	// +kubebuilder:validation:Enum=Correct;Report
	Drift DriftAction `json:"drift,omitempty"`
}

// ObjectLock puts what is written under lock.
type ObjectLock struct {
	// mode says who may end the lock before its time: GOVERNANCE who has the right
	// to, COMPLIANCE nobody.
	// +required
	Mode LockMode `json:"mode,omitempty"`
	// retention is how long a version stays under lock from when it is written, in
	// whole days, such as 720h.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('24h') && duration(self) <= duration('876000h')",message="retention must be between 24h and 876000h"
	// +kubebuilder:validation:XValidation:rule="duration(self).getSeconds() % 86400 == 0",message="retention must be whole days, such as 720h: stores count in days"
	Retention *metav1.Duration `json:"retention,omitempty"`
}

// LockMode says who may end a lock before its time.
// +kubebuilder:validation:Enum=GOVERNANCE;COMPLIANCE
type LockMode string

// Lock modes, in the stores' own words.
const (
	LockGovernance LockMode = "GOVERNANCE"
	LockCompliance LockMode = "COMPLIANCE"
)

// EncryptionAtRest says who encrypts what is stored.
// +kubebuilder:validation:Enum=None;ProviderManaged
type EncryptionAtRest string

// Who encrypts what is stored.
const (
	EncryptionNone            EncryptionAtRest = "None"
	EncryptionProviderManaged EncryptionAtRest = "ProviderManaged"
)

// DriftAction says what happens when a bucket is found changed.
type DriftAction string

// Drift actions.
const (
	DriftCorrect DriftAction = "Correct"
	DriftReport  DriftAction = "Report"
)

// Replication says how copies are kept.
type Replication struct {
	// deletes says whether an object deleted from the primary is deleted from
	// the copies: Propagate (default) or Ignore.
	// +optional
	// +kubebuilder:validation:Enum=Propagate;Ignore
	Deletes DeletePropagation `json:"deletes,omitempty"`
	// deletionGuard stops a run that would delete too much.
	// +optional
	DeletionGuard DeletionGuard `json:"deletionGuard,omitzero"`
	// bandwidth bounds what replication takes.
	// +optional
	Bandwidth Bandwidth `json:"bandwidth,omitzero"`
	// verification says how a copied object is verified: Transferred (default)
	// binds every request to a hash that the store checks, else reads back; Full
	// always reads back; None does neither.
	// +optional
	// +kubebuilder:validation:Enum=None;Transferred;Full
	Verification Verification `json:"verification,omitempty"`
}

// DeletePropagation says what happens to copies of a deleted object.
type DeletePropagation string

// Ways to treat deleted objects.
const (
	DeletesPropagate DeletePropagation = "Propagate"
	DeletesIgnore    DeletePropagation = "Ignore"
)

// Verification says how a copied object is verified.
type Verification string

// Ways to verify.
const (
	VerifyNone        Verification = "None"
	VerifyTransferred Verification = "Transferred"
	VerifyFull        Verification = "Full"
)

// DeletionGuard stops a run before it deletes anything when it would delete more
// than this, or when the source is empty and the copy is not.
type DeletionGuard struct {
	// maximumObjects is how many deletions one run may make. Default 1000.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaximumObjects *int64 `json:"maximumObjects,omitempty"`
	// maximumPercent is the share of the copy's objects that one run may delete,
	// once it is more than 10 objects. Default 10.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaximumPercent *int32 `json:"maximumPercent,omitempty"`
}

// Bandwidth bounds what replication takes.
type Bandwidth struct {
	// bytesPerSecond for each copy, such as 50Mi; absent is no bound.
	// +optional
	BytesPerSecond *resource.Quantity `json:"bytesPerSecond,omitempty"`
}

// Objectives are what copies and restores must achieve.
type Objectives struct {
	// rpo is the age that the oldest change missing in a copy may reach. Default 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('8760h')",message="rpo must be between 10s and 8760h"
	RPO *metav1.Duration `json:"rpo,omitempty"`
	// rto is the time that a restore may take. Absent asks for nothing.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="rto must be between 1s and 8760h"
	RTO *metav1.Duration `json:"rto,omitempty"`
}

// DrillRules says how often the way out must be proven.
type DrillRules struct {
	// maximumAge is the age that the last passed drill may reach. Absent asks for
	// no drill.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('87600h')",message="maximumAge must be between 1m and 87600h"
	MaximumAge *metav1.Duration `json:"maximumAge,omitempty"`
}

// SovereigntyPolicyStatus says how the buckets under a policy fare.
type SovereigntyPolicyStatus struct {
	// conditions are Ready, Satisfiable, and where the policy speaks of
	// concentration WithinConcentration.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// summary counts the buckets that this policy binds.
	// +optional
	Summary PolicySummary `json:"summary,omitzero"`
	// concentration says how what is stored under this policy is spread over
	// operators. Absent as long as nothing is known to be stored.
	// +optional
	Concentration *ConcentrationStatus `json:"concentration,omitempty"`
}

// ConcentrationStatus says how stored bytes are spread over operators.
type ConcentrationStatus struct {
	// operators that hold something, the largest first.
	// +optional
	// +listType=map
	// +listMapKey=operator
	// +kubebuilder:validation:MaxItems=64
	Operators []OperatorShare `json:"operators,omitempty"`
	// effectiveOperators is how many operators of equal size would be as
	// concentrated: 1 over the sum of the squares of all shares, such as "1.8".
	// +optional
	// +kubebuilder:validation:MaxLength=8
	EffectiveOperators string `json:"effectiveOperators,omitempty"`
	// survivalPercent is the share of the buckets that keep a copy which is complete
	// and within its objective when the largest operator is gone, rounded down.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	SurvivalPercent int32 `json:"survivalPercent"`
	// unmeasuredBuckets counts the buckets of which it is not known how much they
	// hold. They are in no share.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UnmeasuredBuckets int32 `json:"unmeasuredBuckets,omitempty"`
}

// OperatorShare is what one operator holds.
type OperatorShare struct {
	// operator as distinct operators are counted: its group, or its legal entity.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Operator string `json:"operator,omitempty"`
	// name of a legal entity of it.
	// +optional
	// +kubebuilder:validation:MaxLength=200
	Name string `json:"name,omitempty"`
	// sharePercent of all stored bytes, rounded.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	SharePercent int32 `json:"sharePercent"`
}

// PolicySummary counts buckets. Names are only shown in their own namespace.
type PolicySummary struct {
	// pass counts buckets all of whose copies comply.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Pass int32 `json:"pass"`
	// fail counts buckets of which some copy does not comply, or that are not
	// placed, or of which it is not known.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Fail int32 `json:"fail"`
	// warn counts buckets of which some copy would not comply if the policy denied,
	// or of which it is not known.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Warn int32 `json:"warn"`
}

// SovereigntyPolicy is a set of rules that datasets live under.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=sovpol,categories=sovereign,path=sovereigntypolicies
// +kubebuilder:printcolumn:name="Perimeter",type=string,JSONPath=`.spec.residency.perimeter`
// +kubebuilder:printcolumn:name="Law",type=string,JSONPath=`.spec.jurisdiction.perimeter`
// +kubebuilder:printcolumn:name="Copies",type=integer,JSONPath=`.spec.copies.minimum`
// +kubebuilder:printcolumn:name="Operators",type=integer,JSONPath=`.spec.copies.distinctOperators`
// +kubebuilder:printcolumn:name="RPO",type=string,JSONPath=`.spec.objectives.rpo`
// +kubebuilder:printcolumn:name="RTO",type=string,JSONPath=`.spec.objectives.rto`
// +kubebuilder:printcolumn:name="Action",type=string,JSONPath=`.spec.validationActions`
// +kubebuilder:printcolumn:name="Pass",type=integer,JSONPath=`.status.summary.pass`
// +kubebuilder:printcolumn:name="Fail",type=integer,JSONPath=`.status.summary.fail`
// +kubebuilder:printcolumn:name="Warn",type=integer,priority=1,JSONPath=`.status.summary.warn`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type SovereigntyPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec holds the rules.
	// +required
	Spec SovereigntyPolicySpec `json:"spec,omitzero"`
	// status says how the buckets under the policy fare.
	// +optional
	Status SovereigntyPolicyStatus `json:"status,omitzero"`
}

// SovereigntyPolicyList is a list of SovereigntyPolicies.
//
// +kubebuilder:object:root=true
type SovereigntyPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SovereigntyPolicy `json:"items"`
}

// Action is what objections of the policy do: the gravest of its actions.
func (s *SovereigntyPolicySpec) Action() ValidationAction {
	action := ActionDeny
	for i, wanted := range s.ValidationActions {
		if i == 0 || wanted == ActionDeny || wanted == ActionWarn && action == ActionAudit {
			action = wanted
		}
	}
	return action
}

// GetConditions gives the conditions, for code that serves every kind.
func (p *SovereigntyPolicy) GetConditions() *[]metav1.Condition { return &p.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (p *SovereigntyPolicy) SetObservedGeneration(g int64) { p.Status.ObservedGeneration = g }
