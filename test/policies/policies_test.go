// Package policies holds the sample policies for what a commune stores to what is known
// of the sample providers: which of them are satisfied, and which rule keeps the others
// from it. It decides without a cluster, as kubectl rempart explain does, so what only
// trying can tell of a store is assumed at its best.
package policies

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/explain"
	"github.com/rempart/rempart/internal/placement"
)

const samples = "../../config/samples"

var (
	// shipped is what the sample providers and the catalogue say.
	shipped = []string{samples + "/provider-onprem.yaml", samples + "/provider-ovhcloud.yaml", samples + "/provider-outscale.yaml"}
	// declared is the same with what only their owner can know.
	declared = []string{"testdata/onprem.yaml", "testdata/vendors.yaml"}
	// measured is what is declared, and what the store at home was found to do.
	measured = []string{"testdata/onprem-measured.yaml", "testdata/vendors.yaml"}
)

// Days on which the certificates that are declared hold, and do not any more.
const (
	valid = "2026-12-01"
	over  = "2027-07-01"
)

// verdict is what comes of a policy.
type verdict struct {
	// Copies are the places, the primary first; none where it is not satisfied.
	Copies []string
	// Reason of what is missing.
	Reason string
	// Refused are the places where no copy may be, with the rules that say so.
	Refused map[string][]placement.Rule
}

// expectation is what is to come of a policy: by what is shipped, by what is declared
// while certificates hold, by the same when they are over, and by what was measured.
type expectation struct{ shipped, declared, over, measured verdict }

const (
	home     = "onprem/dc1"
	ovh      = "ovhcloud/GRA"
	canada   = "ovhcloud/BHS"
	outscale = "outscale/eu-west-2"

	residency    = placement.RuleResidency
	jurisdiction = placement.RuleJurisdiction
	attestation  = placement.RuleAttestation
	onPremise    = placement.RuleOnPremise
	capability   = placement.RuleCapability
)

type refused = map[string][]placement.Rule

var (
	onlyCanada = refused{canada: {residency}}
	// unknownLaw is where every policy ends that asks whose law may reach an operator,
	// as long as nobody has declared what the catalogue does not know.
	unknownLaw = verdict{Reason: v1alpha1.ReasonNotEnoughCopies, Refused: refused{
		home: {jurisdiction}, outscale: {jurisdiction}, ovh: {jurisdiction}, canada: {jurisdiction, residency},
	}}
	// unknownLawAndCertificates ends there twice.
	unknownLawAndCertificates = verdict{Reason: v1alpha1.ReasonNotEnoughCopies, Refused: refused{
		home: {jurisdiction}, outscale: {attestation, jurisdiction}, ovh: {attestation, jurisdiction},
		canada: {attestation, jurisdiction, residency},
	}}
	// expired is where a policy ends that asks for a certificate at every operator.
	expired = verdict{Reason: v1alpha1.ReasonNotEnoughCopies, Refused: refused{
		outscale: {attestation}, ovh: {attestation}, canada: {attestation, residency},
	}}
	everywhere = verdict{Copies: []string{home, ovh, outscale}, Refused: onlyCanada}
	certified  = verdict{Copies: []string{home, ovh, outscale}, Refused: refused{canada: {attestation, residency}}}
	atHome     = verdict{Copies: []string{home}, Refused: refused{
		outscale: {onPremise}, ovh: {onPremise}, canada: {onPremise, residency},
	}}
	ovhAndHome      = verdict{Copies: []string{ovh, home}, Refused: onlyCanada}
	homeAndOVH      = verdict{Copies: []string{home, ovh}, Refused: onlyCanada}
	homeAndOutscale = verdict{Copies: []string{home, outscale}, Refused: onlyCanada}
)

// expected names the file of every policy.
var expected = map[string]expectation{
	"etat-civil":         {shipped: unknownLaw, declared: everywhere, over: everywhere, measured: everywhere},
	"listes-electorales": {shipped: unknownLaw, declared: homeAndOVH, over: homeAndOVH, measured: homeAndOVH},
	"ccas":               {shipped: unknownLawAndCertificates, declared: certified, over: expired, measured: certified},
	"periscolaire": {
		shipped: unknownLawAndCertificates, declared: homeAndOVH, over: expired,
		measured: verdict{Copies: []string{ovh, outscale}, Refused: refused{home: {capability}, canada: {residency}}},
	},
	"videoprotection": {shipped: atHome, declared: atHome, over: atHome, measured: atHome},
	// The catalogue knows a PUE for OVHcloud alone, so Carbon puts the primary there.
	"open-data":   {shipped: ovhAndHome, declared: ovhAndHome, over: ovhAndHome, measured: ovhAndHome},
	"sauvegardes": {shipped: unknownLaw, declared: everywhere, over: everywhere, measured: everywhere},
	"sig":         {shipped: homeAndOutscale, declared: homeAndOutscale, over: homeAndOutscale, measured: homeAndOutscale},
}

func TestWhichPoliciesTheSampleProvidersSatisfy(t *testing.T) {
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			policy := load(t, name)
			got := expectation{
				shipped:  decide(t, name, policy, valid, shipped),
				declared: decide(t, name, policy, valid, declared),
				over:     decide(t, name, policy, over, declared),
				measured: decide(t, name, policy, valid, measured),
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(expectation{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryPolicyIsExpectedAndInTheKustomization(t *testing.T) {
	files, err := filepath.Glob(samples + "/policies/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kustomization struct{ Resources []string }
	unmarshal(t, samples+"/policies/kustomization.yaml", &kustomization)
	var got, want []string
	for _, file := range files {
		if name := filepath.Base(file); name != "kustomization.yaml" {
			got = append(got, name)
		}
	}
	for name := range expected {
		want = append(want, name+".yaml")
	}
	slices.Sort(want)
	slices.Sort(kustomization.Resources)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, kustomization.Resources); diff != "" {
		t.Errorf("kustomization (-want +got):\n%s", diff)
	}
}

func TestEveryPolicySaysWhyAndWhatItCannotSay(t *testing.T) {
	for name := range expected {
		text, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		justification, _, _ := strings.Cut(string(text), "\napiVersion:")
		_, after, hasWhy := strings.Cut(justification, "\n# Why:\n# - ")
		_, _, hasLimits := strings.Cut(after, "\n# Cannot be said yet:\n# - ")
		if !hasWhy || !hasLimits {
			t.Errorf("%s: its comment needs the lists Why and Cannot be said yet, in this order", name)
		}
	}
}

func TestThePageSaysWhatIsSatisfied(t *testing.T) {
	text, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		line := fmt.Sprintf("\n| `commune-%s` | %s | %s | %s |\n", name, inWords(want.shipped), limits(want.shipped), declaredInWords(want))
		if !strings.Contains(string(text), strings.ReplaceAll(line, "|  |", "| |")) {
			t.Errorf("docs/policies.md lacks the line%s", line)
		}
	}
}

func inWords(v verdict) string {
	if v.Reason == "" {
		return "satisfied"
	}
	return "not satisfied"
}

func declaredInWords(e expectation) string {
	if e.declared.Reason == "" && e.over.Reason != "" {
		return "satisfied, until a certificate is over"
	}
	return inWords(e.declared)
}

// limits are the rules that keep copies from an operator's place in France where the
// policy is not satisfied.
func limits(v verdict) string {
	if v.Reason == "" {
		return ""
	}
	var names []string
	for _, rule := range []placement.Rule{jurisdiction, attestation, onPremise, capability} {
		if slices.Contains(v.Refused[ovh], rule) {
			names = append(names, "`"+string(rule)+"`")
		}
	}
	return strings.Join(names, ", ")
}

func file(name string) string { return samples + "/policies/" + name + ".yaml" }

func unmarshal(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func load(t *testing.T, name string) *v1alpha1.SovereigntyPolicy {
	t.Helper()
	policy := &v1alpha1.SovereigntyPolicy{}
	unmarshal(t, file(name), policy)
	return policy
}

// bucket names a policy, from the namespace that it allows.
const bucket = `apiVersion: rempart.dev/v1alpha1
kind: SovereignBucket
metadata: {name: sample, namespace: %s}
spec:
  policyRef: {name: %s}
  dataset: {title: A sample, purpose: To see where it may be, legalBasis: PublicTask}
`

// decide explains a bucket under the policy.
func decide(t *testing.T, name string, policy *v1alpha1.SovereigntyPolicy, at string, providers []string) verdict {
	t.Helper()
	manifest := fmt.Sprintf(bucket, policy.Spec.AllowedNamespaces.MatchLabels["kubernetes.io/metadata.name"], policy.Name)
	args := []string{"-o", "json", "--at", at, "-f", "-", "-f", file(name)}
	for _, provider := range providers {
		args = append(args, "-f", provider)
	}
	outcome := clitest.Run(t, manifest, explain.NewCommand, args...)
	var explained []explain.Explanation
	if err := json.Unmarshal([]byte(outcome.Out), &explained); err != nil || len(explained) != 1 {
		t.Fatalf("%d buckets explained (%v): %s", len(explained), err, outcome.ErrOut)
	}
	found := verdict{Reason: explained[0].Reason, Refused: refused{}}
	for _, copied := range explained[0].Copies {
		found.Copies = append(found.Copies, copied.ProviderName+"/"+copied.Location)
	}
	for _, candidate := range explained[0].Candidates {
		if !candidate.Eligible {
			found.Refused[candidate.ProviderName+"/"+candidate.Location] = rulesOf(candidate)
		}
	}
	return found
}

// rulesOf are the rules that keep every copy from a place, each once.
func rulesOf(candidate explain.Candidate) []placement.Rule {
	var rules []placement.Rule
	for _, objection := range candidate.Objections {
		if objection.Role == "" && objection.Action == string(v1alpha1.ActionDeny) {
			rules = append(rules, placement.Rule(objection.Rule))
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
