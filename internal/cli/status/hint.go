package status

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Hint says what a person can do about something.
type Hint struct {
	// Reason that it is about.
	Reason string `json:"reason"`
	Text   string `json:"text"`
	// Commands do it, or show what is needed to decide. Each is ready to be pasted
	// into a shell.
	Commands []string `json:"commands,omitempty"`
}

// hints gives what to do about a bucket, the most pressing first, each thing once.
func hints(bucket *v1alpha1.SovereignBucket, replicas []v1alpha1.BucketReplica, model Bucket) []Hint {
	found := guardHints(bucket, replicas)
	said := map[string]bool{v1alpha1.ReasonDeletionGuardTripped: true}
	for _, reason := range reasons(model) {
		if said[reason] {
			continue
		}
		said[reason] = true
		if hint, has := hintFor(reason, bucket); has && !slices.ContainsFunc(found, hint.isSame) {
			found = append(found, hint)
		}
	}
	return found
}

// isSame tells whether another hint says the same, whatever its reason.
func (h Hint) isSame(other Hint) bool {
	return h.Text == other.Text && slices.Equal(h.Commands, other.Commands)
}

// reasons are those of everything that is not True, of the bucket first.
func reasons(model Bucket) []string {
	var all []string
	for _, condition := range model.NotTrue {
		all = append(all, condition.Reason)
	}
	for _, copied := range model.Copies {
		for _, condition := range copied.NotTrue {
			all = append(all, condition.Reason)
		}
	}
	return all
}

// guardHints give the exact command that lets through what the deletion guard
// holds back, for each copy: every set of deletions has a digest of its own, and
// the annotation holds one at a time.
func guardHints(bucket *v1alpha1.SovereignBucket, replicas []v1alpha1.BucketReplica) []Hint {
	found := []Hint{}
	for _, replica := range replicas {
		guard := replica.Status.Guard
		if guard == nil {
			continue
		}
		found = append(found, Hint{
			Reason: v1alpha1.ReasonDeletionGuardTripped,
			Text: fmt.Sprintf("a run would delete or overwrite %d objects of the copy at %s and waits for a word. If they are to go:",
				guard.Planned, replica.Spec.PlaceReference),
			Commands: []string{annotate(bucket, v1alpha1.ApprovedDeletionsAnnotation, quote(guard.Digest))},
		})
	}
	return found
}

// hintFor gives what to do about a reason, if it is known what helps.
func hintFor(reason string, bucket *v1alpha1.SovereignBucket) (Hint, bool) {
	text, commands := "", []string(nil)
	switch reason {
	case v1alpha1.ReasonDeletionBlocked, v1alpha1.ReasonDeletionNotConfirmed:
		text = "the bucket is to be deleted and still holds objects. To leave them where they are, or else to delete them and every copy:"
		commands = deletion(bucket)
	case v1alpha1.ReasonNameConflict:
		text = "something else has a name that is needed, and is never overwritten: rename or remove it. Secrets, accesses and copies of this namespace:"
		commands = []string{"kubectl get secrets,sovereignbucketaccesses,bucketreplicas -n " + quote(bucket.Namespace)}
	case v1alpha1.ReasonWaitingForKeys:
		text = "the bucket is to be deleted, and the keys to it are not revoked yet. To see why, or else to leave bucket and keys where they are:"
		commands = []string{
			"kubectl describe sovereignbucketaccesses -n " + quote(bucket.Namespace), patch(bucket, `{"spec":{"deletionPolicy":"Retain"}}`),
		}
	case v1alpha1.ReasonNotOwner:
		text = "the bucket at the provider carries the mark of another owner, and nothing is written to it: find out who took it before anything else (docs/runbooks/NotOwner.md says how)"
	case v1alpha1.ReasonDriftDetected:
		text = "somebody else changed how a bucket is set up; what, and what was done about it (docs/runbooks/DriftDetected.md says what to do):"
		commands = []string{"kubectl get bucketreplicas -n " + quote(bucket.Namespace) + " -o custom-columns=NAME:.metadata.name,DRIFT:.status.drift,UNKNOWN:.status.driftUnknown"}
	case v1alpha1.ReasonPrimaryRelocationRequired:
		text = "the primary never moves by itself, and applications keep their key: make its place legal or reachable again, or begin anew as the message says. What speaks against its place:"
		commands = []string{explain(bucket)}
	case v1alpha1.ReasonPolicyNotFound:
		text = "create the policy, or name one of these in spec.policyRef:"
		commands = []string{"kubectl get sovereigntypolicies"}
	case v1alpha1.ReasonLagExceeded:
		text = "copies are synchronised by themselves; to ask for a run of every copy now:"
		commands = []string{annotate(bucket, v1alpha1.SyncRequestedAnnotation, "") + `"$(date)"`}
	case v1alpha1.ReasonDrillOverdue, v1alpha1.ReasonDrillFailed, v1alpha1.ReasonDrillInconclusive:
		text = "show with a drill that the data can leave:"
		commands = []string{fmt.Sprintf("kubectl rempart drill %s -n %s --wait", quote(bucket.Name), quote(bucket.Namespace))}
	case v1alpha1.ReasonSuspended:
		if !bucket.Spec.Suspend { // then a provider is
			return ofPlacement(reason, bucket), true
		}
		text = "writing is suspended, and conditions decay meanwhile. To go on:"
		commands = []string{patch(bucket, `{"spec":{"suspend":false}}`)}
	case v1alpha1.ReasonAuthenticationFailed, v1alpha1.ReasonCredentialsMissing:
		text = "a provider's credentials are missing or refused, and are not tried again until its Secret changes:"
		commands = []string{"kubectl get sovereignproviders -o wide"}
	case v1alpha1.ReasonNotObserved:
		if len(bucket.Status.Conditions) == 0 {
			text = "the operator has not looked at this bucket yet: is it running?"
		}
	default:
		if isOfPlacement(reason) {
			return ofPlacement(reason, bucket), true
		}
	}
	return Hint{Reason: reason, Text: text, Commands: commands}, text != ""
}

// isOfPlacement tells whether explain shows more about a reason.
func isOfPlacement(reason string) bool {
	return slices.Contains([]string{
		v1alpha1.ReasonNotEnoughCopies, v1alpha1.ReasonNotEnoughOperators, v1alpha1.ReasonTooClose, v1alpha1.ReasonOnPremiseRequired,
		v1alpha1.ReasonOnPremiseForbidden, v1alpha1.ReasonOutsidePerimeter, v1alpha1.ReasonCountryNotAllowed,
		v1alpha1.ReasonLocationUnknown, v1alpha1.ReasonLocationContradicted, v1alpha1.ReasonLocationUnverified,
		v1alpha1.ReasonJurisdictionNotAllowed, v1alpha1.ReasonAttestationMissing, v1alpha1.ReasonAttestationExpired, v1alpha1.ReasonSealTooLow,
		v1alpha1.ReasonGridTooHigh, v1alpha1.ReasonPUETooHigh, v1alpha1.ReasonGrantTooWide, v1alpha1.ReasonCapabilityMissing,
		v1alpha1.ReasonTainted, v1alpha1.ReasonTooConcentrated, v1alpha1.ReasonProviderMaintenance, v1alpha1.ReasonRegionNotActivated,
		v1alpha1.ReasonNamespaceNotAllowed, v1alpha1.ReasonNotSelected, v1alpha1.ReasonNotAdoptable, v1alpha1.ReasonProviderNotFound,
	}, reason)
}

// ofPlacement is the hint about such a reason.
func ofPlacement(reason string, bucket *v1alpha1.SovereignBucket) Hint {
	return Hint{Reason: reason, Text: "every place that was considered, and what speaks against it:", Commands: []string{explain(bucket)}}
}

// deletion gives the two ways out of a deletion that is held back.
func deletion(bucket *v1alpha1.SovereignBucket) []string {
	commands := []string{patch(bucket, `{"spec":{"deletionPolicy":"Retain"}}`)}
	if primary := bucket.Status.Primary; primary != nil {
		commands = append(commands, annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, quote(primary.BucketName)))
	}
	return commands
}

func explain(bucket *v1alpha1.SovereignBucket) string {
	return fmt.Sprintf("kubectl rempart explain bucket %s -n %s", quote(bucket.Name), quote(bucket.Namespace))
}

func annotate(bucket *v1alpha1.SovereignBucket, key, value string) string {
	return fmt.Sprintf("kubectl annotate sovereignbucket %s -n %s --overwrite %s=%s",
		quote(bucket.Name), quote(bucket.Namespace), key, value)
}

func patch(bucket *v1alpha1.SovereignBucket, change string) string {
	return fmt.Sprintf("kubectl patch sovereignbucket %s -n %s --type merge -p %s",
		quote(bucket.Name), quote(bucket.Namespace), quote(change))
}

// quote makes a word of a shell. What comes from a status was written by others,
// and is not run.
func quote(word string) string {
	isPlain, _ := regexp.MatchString(`^[A-Za-z0-9._:/@%+=-]+$`, word) // the pattern is right
	if isPlain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
