package status

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
)

func TestHints(t *testing.T) {
	readyFor := func(reason string) func(*v1alpha1.SovereignBucket) {
		return func(b *v1alpha1.SovereignBucket) {
			b.Status.Conditions = but(b.Status.Conditions, is(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, ""))
		}
	}
	tests := map[string]struct {
		change func(*v1alpha1.SovereignBucket)
		want   []string
	}{
		"a bucket that is well needs nothing": {func(*v1alpha1.SovereignBucket) {}, nil},
		"a deletion that is blocked can go on in two ways": {readyFor(v1alpha1.ReasonDeletionBlocked), []string{
			`kubectl patch sovereignbucket actes -n etat-civil --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'`,
			`kubectl annotate sovereignbucket actes -n etat-civil --overwrite rempart.dev/confirm-delete=actes-7f3k2`,
		}},
		"a deletion without a primary can only be given up": {func(b *v1alpha1.SovereignBucket) {
			readyFor(v1alpha1.ReasonDeletionNotConfirmed)(b)
			b.Status.Primary = nil
		}, []string{`kubectl patch sovereignbucket actes -n etat-civil --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'`}},
		"a name that is taken is to be looked for": {readyFor(v1alpha1.ReasonNameConflict), []string{
			`kubectl get secrets,sovereignbucketaccesses,bucketreplicas -n etat-civil`,
		}},
		"keys that are not revoked hold a bucket": {readyFor(v1alpha1.ReasonWaitingForKeys), []string{
			`kubectl describe sovereignbucketaccesses -n etat-civil`,
			`kubectl patch sovereignbucket actes -n etat-civil --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'`,
		}},
		"a primary that is lost is a decision": {readyFor(v1alpha1.ReasonPrimaryRelocationRequired), []string{
			`kubectl rempart explain bucket actes -n etat-civil`,
		}},
		"several reasons with one cure are one hint": {func(b *v1alpha1.SovereignBucket) {
			readyFor(v1alpha1.ReasonNotEnoughCopies)(b)
			b.Status.Conditions = but(b.Status.Conditions,
				is(v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter, ""))
		}, []string{`kubectl rempart explain bucket actes -n etat-civil`}},
		"a missing policy is one of others": {readyFor(v1alpha1.ReasonPolicyNotFound), []string{`kubectl get sovereigntypolicies`}},
		"a copy that lags can be asked for": {readyFor(v1alpha1.ReasonLagExceeded), []string{
			`kubectl annotate sovereignbucket actes -n etat-civil --overwrite rempart.dev/sync-requested="$(date)"`,
		}},
		"a drill that is overdue can be made": {readyFor(v1alpha1.ReasonDrillOverdue), []string{
			`kubectl rempart drill actes -n etat-civil --wait`,
		}},
		"what is suspended can go on": {func(b *v1alpha1.SovereignBucket) {
			readyFor(v1alpha1.ReasonSuspended)(b)
			b.Spec.Suspend = true
		}, []string{`kubectl patch sovereignbucket actes -n etat-civil --type merge -p '{"spec":{"suspend":false}}'`}},
		"where providers are suspended, the bucket is not": {readyFor(v1alpha1.ReasonSuspended), []string{
			`kubectl rempart explain bucket actes -n etat-civil`,
		}},
		"refused credentials are a provider's":          {readyFor(v1alpha1.ReasonAuthenticationFailed), []string{`kubectl get sovereignproviders -o wide`}},
		"a bucket of somebody else's is left to people": {readyFor(v1alpha1.ReasonNotOwner), []string{}},
		"what passes by itself needs nothing":           {readyFor(v1alpha1.ReasonProgressing), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bucket, replicas := healthy("actes", "Actes")
			test.change(&bucket)
			hints := world{buckets: []v1alpha1.SovereignBucket{bucket}, replicas: replicas}.models()[0].Hints
			if test.want == nil {
				if len(hints) != 0 {
					t.Errorf("hints %+v, want none", hints)
				}
				return
			}
			if len(hints) != 1 || hints[0].Text == "" {
				t.Fatalf("hints %+v, want one", hints)
			}
			if diff := cmp.Diff(test.want, append([]string{}, hints[0].Commands...)); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

// The page has every reason of every rule, which is tested there.
func TestWhatARuleSaysIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../../docs/spec/sovereigntypolicy.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `\\w+` \\|[^|]*\\| `(\\w+)` \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 50 {
		t.Fatalf("%d rows are found", len(rows))
	}
	bucket, _ := healthy("actes", "Actes")
	for _, row := range rows {
		if hint, has := hintFor(row[1], &bucket); !has || !slices.Equal(hint.Commands, []string{explain(&bucket)}) {
			t.Errorf("%s has the hint %+v", row[1], hint)
		}
	}
}

func TestEveryCopyThatTheGuardStoppedHasItsOwnCommand(t *testing.T) {
	w := tripped()
	other := w.replicas[0]
	other.Name, other.Spec.PlaceReference = "actes-outscale", v1alpha1.PlaceReference{ProviderName: "outscale", Location: "eu-west-2"}
	other.Status.Guard = &v1alpha1.GuardStatus{Planned: 1, Digest: "sha256:ffff"}
	w.replicas = append(w.replicas, other)
	var commands []string
	for _, hint := range w.models()[0].Hints {
		if hint.Reason == v1alpha1.ReasonDeletionGuardTripped {
			commands = append(commands, hint.Commands...)
		}
	}
	want := []string{
		"kubectl annotate sovereignbucket actes -n etat-civil --overwrite rempart.dev/approved-deletions=sha256:ffff",
		"kubectl annotate sovereignbucket actes -n etat-civil --overwrite rempart.dev/approved-deletions=sha256:0123abcd",
	}
	slices.Sort(commands)
	slices.Sort(want)
	if diff := cmp.Diff(want, commands); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsPastedIntoAShellIsOneWord(t *testing.T) {
	for _, word := range []string{"actes-7f3k2", "sha256:0123", "it's; rm -rf $HOME `id`", "", "a b\tc", `{"spec":{}}`, "*"} {
		got, err := exec.Command("sh", "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(got) != word {
			t.Errorf("%q becomes %q, %v", word, got, err)
		}
	}
}
