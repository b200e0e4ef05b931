package v1alpha1

// SovereigntyFramework names a version of the EU Cloud Sovereignty Framework whose
// criteria are answered.
// +kubebuilder:validation:Enum=csf-2026-06
type SovereigntyFramework string

// FrameworkCSF202606 is the calculator of June 2026, with 48 criteria.
const FrameworkCSF202606 SovereigntyFramework = "csf-2026-06"

// SovereigntyWeights names a set of weights of the framework's objectives.
// +kubebuilder:validation:Enum=csf-2026-06;csf-1.2.1
type SovereigntyWeights string

// Sets of weights: those of the calculator of June 2026, and those that the
// framework was published with in October 2025.
const (
	WeightsCSF202606 SovereigntyWeights = "csf-2026-06"
	WeightsCSF121    SovereigntyWeights = "csf-1.2.1"
)

// AnswerEvidence says what an answer rests on. What Rempart observes itself is not
// for anybody to declare.
// +kubebuilder:validation:Enum=SelfDeclared;ThirdParty;Audited
type AnswerEvidence string

// Kinds of evidence: SelfDeclared is what the provider or the authority says,
// ThirdParty what somebody else says, Audited what an independent body has
// examined. Only the last is evidenced, all are claims.
const (
	AnswerSelfDeclared AnswerEvidence = "SelfDeclared"
	AnswerThirdParty   AnswerEvidence = "ThirdParty"
	AnswerAudited      AnswerEvidence = "Audited"
)

// SovereigntyAnswer answers one criterion of the EU Cloud Sovereignty Framework for
// one service of a provider at some of its locations.
// +kubebuilder:validation:XValidation:rule="self.evidenceType != 'Audited' || has(self.evidence)",message="an answer that was Audited needs evidence: where the report can be read"
// +kubebuilder:validation:XValidation:rule="self.validUntil >= self.date",message="validUntil is before date: an answer holds from the day it was given on"
// +kubebuilder:validation:XValidation:rule="!(self.criterion in ['1.1', '1.3', '1.7']) || self.rung <= 4",message="criteria 1.1, 1.3 and 1.7 have four rungs"
// +kubebuilder:validation:XValidation:rule="self.criterion != '2.1' || self.rung <= 3",message="criterion 2.1 has three rungs"
type SovereigntyAnswer struct {
	// framework whose criterion is answered.
	// +required
	Framework SovereigntyFramework `json:"framework,omitempty"`
	// service that the answer is about. Policies look at object-storage.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	Service string `json:"service,omitempty"`
	// locations that the answer is about.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`
	// criterion that is answered, by its number, such as "3.4".
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=3
	// +kubebuilder:validation:XValidation:rule="self.matches('^(1[.][1-8]|2[.][1-6]|3[.][1-5]|4[.][1-6]|5[.][1-7]|6[.][1-5]|7[.][1-7]|8[.][1-4])$')",message="criterion must be one of the framework's 48: 1.1 to 1.8, 2.1 to 2.6, 3.1 to 3.5, 4.1 to 4.6, 5.1 to 5.7, 6.1 to 6.5, 7.1 to 7.7, 8.1 to 8.4"
	Criterion string `json:"criterion,omitempty"`
	// rung is the answer: 1 is the first and worst that the criterion offers, 5 the
	// best of most criteria.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5
	Rung int32 `json:"rung,omitempty"`
	// evidenceType says what the answer rests on.
	// +required
	EvidenceType AnswerEvidence `json:"evidenceType,omitempty"`
	// evidence is where that can be read. It is shown and never fetched.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && !self.contains('@')",message="evidence must be a URL such as https://example.fr/report.pdf, without a user name"
	Evidence string `json:"evidence,omitempty"`
	// assessor is who gave the answer.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Assessor string `json:"assessor,omitempty"`
	// date of the answer: 2026-06-30. It counts from that day on, in UTC.
	// +required
	// +kubebuilder:validation:Format=date
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=10
	Date string `json:"date,omitempty"`
	// validUntil is the last day on which it counts, in UTC: 2027-06-30.
	// +required
	// +kubebuilder:validation:Format=date
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=10
	ValidUntil string `json:"validUntil,omitempty"`
}

// SealEvidence says which answers a policy looks at.
// +kubebuilder:validation:Enum=Claimed;Evidenced
type SealEvidence string

// Claimed looks at all answers, Evidenced at those that were audited.
const (
	SealClaimed   SealEvidence = "Claimed"
	SealEvidenced SealEvidence = "Evidenced"
)

// SealRules ask for a SEAL of the EU Cloud Sovereignty Framework.
type SealRules struct {
	// minimum is the SEAL that every place must reach, 1 to 4, by the lowest of its
	// answers. Nobody reaches 4 as long as chips come from elsewhere, says the
	// Commission.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self >= 1 && self <= 4",message="minimum must be 1 to 4: the framework has nothing above SEAL-4, and every service reaches SEAL-0"
	Minimum int32 `json:"minimum,omitempty"`
	// evidence says which answers count: Claimed (default) takes all of them,
	// Evidenced those that an independent body has audited; what is only claimed must
	// not fall below the minimum even so.
	// +optional
	Evidence SealEvidence `json:"evidence,omitempty"`
	// weights by which the score is computed that is shown beside the SEAL:
	// csf-2026-06 (default), or csf-1.2.1. A SEAL does not depend on it.
	// +optional
	Weights SovereigntyWeights `json:"weights,omitempty"`
	// minimumCoverage is how many of the 48 criteria must be answered. A SEAL on part
	// of them is only an upper bound, so the default is all 48.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self >= 1 && self <= 48",message="minimumCoverage must be 1 to 48: the framework has 48 criteria"
	MinimumCoverage int32 `json:"minimumCoverage,omitempty"`
}

// SovereigntyStatus is what the answers about the object storage of a provider come
// to at some of its locations.
type SovereigntyStatus struct {
	// framework by which it is computed.
	// +required
	Framework SovereigntyFramework `json:"framework,omitempty"`
	// locations of which the answers come to the same.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`
	// claimed is what all answers come to.
	// +optional
	Claimed SealStatus `json:"claimed,omitzero"`
	// evidenced is what those come to that were audited. Absent where none was.
	// +optional
	Evidenced SealStatus `json:"evidenced,omitzero"`
}

// SealStatus is what some answers come to.
type SealStatus struct {
	// level is the SEAL: the lowest of the answers, and no more than an upper bound
	// unless all 48 criteria are answered. Absent where no answer counts.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4
	Level *int32 `json:"level,omitempty"`
	// answered is how many of the 48 criteria are answered.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=48
	Answered int32 `json:"answered"`
	// decisive is how many of those can lower a SEAL; 39 of the 48 can.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=39
	Decisive int32 `json:"decisive"`
	// limiting are the criteria that keep the SEAL from being higher.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=48
	// +kubebuilder:validation:items:MaxLength=3
	Limiting []string `json:"limiting,omitempty"`
	// scores are the framework's own, which rank and never make up for a SEAL.
	// +optional
	// +listType=map
	// +listMapKey=weights
	// +kubebuilder:validation:MaxItems=2
	Scores []SovereigntyScore `json:"scores,omitempty"`
}

// SovereigntyScore is a score of the framework by one set of weights.
type SovereigntyScore struct {
	// weights by which it is computed.
	// +required
	Weights SovereigntyWeights `json:"weights,omitempty"`
	// percent is the score, a decimal number such as "74.01". What is not answered
	// adds nothing. The best answers come to a little more than 100, because the
	// points of the calculator are rounded.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8
	Percent string `json:"percent,omitempty"`
}
