package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ReversibilityDrillSpec says what to restore, from where, to where. It never
// changes: another drill is another object.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a ReversibilityDrill cannot change: create another one"
// +kubebuilder:validation:XValidation:rule="!has(self.from) || !has(self.to) || self.from.providerName != self.to.providerName",message="to must be another provider than from: a drill shows that the data can leave it"
type ReversibilityDrillSpec struct {
	// bucketRef names the SovereignBucket to restore.
	// +required
	BucketRef NameReference `json:"bucketRef,omitzero"`
	// scenario Restore restores a copy into a sandbox bucket at another operator.
	// +optional
	// +default="Restore"
	Scenario DrillScenario `json:"scenario,omitempty"`
	// from chooses the provider whose copy is restored. Default: a Replica, not
	// the primary.
	// +optional
	From *DrillPlace `json:"from,omitempty"`
	// to chooses the provider that receives the sandbox; it must be another
	// operator than from. Default: the best eligible, preferably not the primary's.
	// +optional
	To *DrillPlace `json:"to,omitempty"`
	// objectives to meet. Default: the policy's.
	// +optional
	Objectives Objectives `json:"objectives,omitzero"`
	// sandbox says how long the restored bucket stays.
	// +optional
	Sandbox Sandbox `json:"sandbox,omitzero"`
	// deadline after which the drill ends as Inconclusive. Default 6h.
	// +optional
	// +default="6h0m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="deadline must be between 1m and 168h"
	Deadline *metav1.Duration `json:"deadline,omitempty"`
}

// DrillScenario is what a drill plays through.
// +kubebuilder:validation:Enum=Restore
type DrillScenario string

// ScenarioRestore restores a copy into a sandbox bucket at another operator.
const ScenarioRestore DrillScenario = "Restore"

// DrillPlace chooses a provider, and one of its locations if it matters.
type DrillPlace struct {
	// providerName is the name of a SovereignProvider.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ProviderName string `json:"providerName,omitempty"`
	// location is one of its locations; absent leaves the choice to the operator.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Location string `json:"location,omitempty"`
}

// Sandbox says how long the restored bucket stays.
type Sandbox struct {
	// ttl is how long a sandbox that is not removed at once stays after the
	// verdict. Default 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('168h')",message="ttl must be between 0s and 168h"
	TTL *metav1.Duration `json:"ttl,omitempty"`
	// cleanupPolicy says which sandboxes are removed at once: Delete (default)
	// all, DeleteOnSuccess those of passed drills, Retain none.
	// +optional
	CleanupPolicy CleanupPolicy `json:"cleanupPolicy,omitempty"`
}

// CleanupPolicy says which sandboxes are removed at once.
// +kubebuilder:validation:Enum=Delete;DeleteOnSuccess;Retain
type CleanupPolicy string

// Cleanup policies.
const (
	CleanupDelete          CleanupPolicy = "Delete"
	CleanupDeleteOnSuccess CleanupPolicy = "DeleteOnSuccess"
	CleanupRetain          CleanupPolicy = "Retain"
)

// DrillVerdict is what a drill came to.
// +kubebuilder:validation:Enum=Passed;Failed;Inconclusive
type DrillVerdict string

// Verdicts. Inconclusive drills prove nothing, neither way.
const (
	VerdictPassed       DrillVerdict = "Passed"
	VerdictFailed       DrillVerdict = "Failed"
	VerdictInconclusive DrillVerdict = "Inconclusive"
)

// DrillProgression is the step that a drill is at.
// +kubebuilder:validation:Enum=Planning;Preflight;Restoring;Verifying;Reporting;CleaningUp;Done
type DrillProgression string

// Steps of a drill, in order.
const (
	ProgressionPlanning   DrillProgression = "Planning"
	ProgressionPreflight  DrillProgression = "Preflight"
	ProgressionRestoring  DrillProgression = "Restoring"
	ProgressionVerifying  DrillProgression = "Verifying"
	ProgressionReporting  DrillProgression = "Reporting"
	ProgressionCleaningUp DrillProgression = "CleaningUp"
	ProgressionDone       DrillProgression = "Done"
)

// ReversibilityDrillStatus says how the drill went.
type ReversibilityDrillStatus struct {
	// conditions are Ready and CleanedUp.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// progression is the step that the drill is at.
	// +optional
	Progression DrillProgression `json:"progression,omitempty"`
	// verdict that it came to.
	// +optional
	Verdict DrillVerdict `json:"verdict,omitempty"`
	// startTime is when the drill was decided.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// completionTime is when the verdict came.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// effective is what applied.
	// +optional
	Effective *DrillEffective `json:"effective,omitempty"`
	// measured is what was measured.
	// +optional
	Measured *DrillMeasured `json:"measured,omitempty"`
	// checks that led to the verdict.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Checks []DrillCheck `json:"checks,omitempty"`
	// notTested says what the drill does not show.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	NotTested []string `json:"notTested,omitempty"`
	// evidence says where the proof is.
	// +optional
	Evidence *DrillEvidence `json:"evidence,omitempty"`
}

// DrillEffective is what a drill decided, recorded before it acts.
type DrillEffective struct {
	// from is the copy that is restored.
	// +required
	From DrillCopy `json:"from,omitzero"`
	// to is the sandbox.
	// +required
	To DrillCopy `json:"to,omitzero"`
	// objectives that the drill is held against.
	// +optional
	Objectives Objectives `json:"objectives,omitzero"`
}

// DrillCopy is a bucket that takes part in a drill.
type DrillCopy struct {
	PlaceReference `json:",inline"`
	// bucketName is the name of the bucket at the provider.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	BucketName string `json:"bucketName,omitempty"`
}

// DrillMeasured is what a drill measured.
type DrillMeasured struct {
	// rtoSeconds from the decision to the last verified byte, on the operator's
	// monotonic clock.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RTOSeconds *int64 `json:"rtoSeconds,omitempty"`
	// rpoSeconds from the oldest source change missing in the copy to the moment
	// of loss, on the source's clock.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RPOSeconds *int64 `json:"rpoSeconds,omitempty"`
	// objects that were restored and verified.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Objects int64 `json:"objects"`
	// bytes that were restored and verified.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Bytes int64 `json:"bytes"`
	// throughputBytesPerSecond of the restore, verification included.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ThroughputBytesPerSecond int64 `json:"throughputBytesPerSecond"`
	// fullExitEstimateSeconds is how long all of the data would take at this rate.
	// +optional
	// +kubebuilder:validation:Minimum=0
	FullExitEstimateSeconds *int64 `json:"fullExitEstimateSeconds,omitempty"`
}

// CheckResult is the result of a check, in the words of OpenReports.
// +kubebuilder:validation:Enum=pass;fail;warn;skip
type CheckResult string

// Results of a check.
const (
	CheckPass CheckResult = "pass"
	CheckFail CheckResult = "fail"
	CheckWarn CheckResult = "warn"
	CheckSkip CheckResult = "skip"
)

// DrillCheck is one check of a drill.
type DrillCheck struct {
	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name,omitempty"`
	// result of the check.
	// +required
	Result CheckResult `json:"result,omitempty"`
	// message says what was found.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// DrillEvidence says where the proof of a drill is.
type DrillEvidence struct {
	// digest of the evidence file, as sha256:hex.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=80
	Digest string `json:"digest,omitempty"`
	// uris where the file is stored, as s3://bucket/key. The first is at another
	// operator than the second.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MaxLength=1200
	URIs []string `json:"uris,omitempty"`
	// keyID names the key that signed it: the SHA-256 of its public key in DER, in hex.
	// The public key is in the ConfigMap rempart-evidence-keys of the operator's
	// namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`
}

// ReversibilityDrill is one drill: it shows, or fails to show, that a dataset
// can leave a provider.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=rdrill,categories=sovereign
// +kubebuilder:printcolumn:name="Bucket",type=string,JSONPath=`.spec.bucketRef.name`
// +kubebuilder:printcolumn:name="From",type=string,JSONPath=`.status.effective.from.providerName`
// +kubebuilder:printcolumn:name="To",type=string,JSONPath=`.status.effective.to.providerName`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.status.verdict`
// +kubebuilder:printcolumn:name="RTO",type=integer,JSONPath=`.status.measured.rtoSeconds`
// +kubebuilder:printcolumn:name="RPO",type=integer,JSONPath=`.status.measured.rpoSeconds`
// +kubebuilder:printcolumn:name="Progress",type=string,JSONPath=`.status.progression`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type ReversibilityDrill struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec says what to restore, from where, to where.
	// +required
	Spec ReversibilityDrillSpec `json:"spec,omitzero"`
	// status says how it went.
	// +optional
	Status ReversibilityDrillStatus `json:"status,omitzero"`
}

// ReversibilityDrillList is a list of ReversibilityDrills.
//
// +kubebuilder:object:root=true
type ReversibilityDrillList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ReversibilityDrill `json:"items"`
}

// GetConditions gives the conditions, for code that serves every kind.
func (d *ReversibilityDrill) GetConditions() *[]metav1.Condition { return &d.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (d *ReversibilityDrill) SetObservedGeneration(g int64) { d.Status.ObservedGeneration = g }
