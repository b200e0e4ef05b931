package drill

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/env"
)

func TestNamesOfDrills(t *testing.T) {
	tests := map[string]struct{ bucket, want string }{
		"a bucket":                       {"actes", "actes-20261122-084300"},
		"a bucket with a very long name": {strings.Repeat("a", 253), strings.Repeat("a", 237) + "-20261122-084300"},
		"one that would be cut at a dot": {strings.Repeat("a", 236) + ".bcd-" + strings.Repeat("e", 9), strings.Repeat("a", 236) + "-20261122-084300"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := nameAt(test.bucket, clitest.Now)
			if got != test.want || len(validation.IsDNS1123Subdomain(got)) > 0 {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestWhatIsCreated(t *testing.T) {
	c := command{env: &env.Environment{Clock: &fakeClock{now: clitest.Now}}, from: "ovh", to: "outscale/eu-west-2"}
	got, err := c.drill("actes")
	if err != nil {
		t.Fatal(err)
	}
	want := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Name: "actes-20261122-084300"},
		Spec: v1alpha1.ReversibilityDrillSpec{
			BucketRef: v1alpha1.NameReference{Name: "actes"}, Scenario: v1alpha1.ScenarioRestore,
			From: &v1alpha1.DrillPlace{ProviderName: "ovh"}, To: &v1alpha1.DrillPlace{ProviderName: "outscale", Location: "eu-west-2"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no bucket":              {nil, "accepts 1 arg"},
		"two buckets":            {[]string{"a", "b"}, "accepts 1 arg"},
		"a name that cannot be":  {[]string{"actes", "--name", "Été"}, `"Été" cannot be the name of a drill`},
		"to where it comes from": {[]string{"actes", "--from", "ovh/GRA", "--to", "ovh/SBG"}, "--to must be another provider than --from"},
		"a time without waiting": {[]string{"actes", "--timeout", "5m"}, "--timeout is how long to --wait"},
		"a time that is none":    {[]string{"actes", "--wait", "--timeout", "soon"}, "invalid argument"},
		"no time":                {[]string{"actes", "--wait", "--timeout", "0s"}, "--timeout must be more than 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := clitest.Run(t, "", NewCommand, test.args...)
			if got.Code != env.ExitUsage || !strings.Contains(got.ErrOut, test.want) {
				t.Errorf("exit code %d, errors %q; want %q", got.Code, got.ErrOut, test.want)
			}
		})
	}
}

func TestWithoutAClusterItFails(t *testing.T) {
	got := clitest.Run(t, "", NewCommand, "actes", "--wait", "--server", "http://127.0.0.1:1")
	if got.Code != env.ExitFailure || !strings.Contains(got.ErrOut, "cannot reach the cluster") {
		t.Errorf("exit code %d, errors %q", got.Code, got.ErrOut)
	}
}

// shelf is a cluster that answers as it is told.
type shelf struct{ get, create error }

func (s shelf) Get(context.Context, client.ObjectKey, client.Object) error { return s.get }
func (s shelf) Create(context.Context, client.Object) error                { return s.create }

func TestNothingIsCreatedForABucketThatIsNotThere(t *testing.T) {
	resource := schema.GroupResource{Group: "rempart.dev", Resource: "x"}
	tests := map[string]struct {
		cluster shelf
		want    string
	}{
		"the bucket is not there": {shelf{get: apierrors.NewNotFound(resource, "actes"), create: fmt.Errorf("it was created")}, "read SovereignBucket etat-civil/actes"},
		"the name is taken":       {shelf{create: apierrors.NewAlreadyExists(resource, "d")}, "choose another name with --name"},
		"it may not be created":   {shelf{create: apierrors.NewForbidden(resource, "d", nil)}, "create the drill"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := create(t.Context(), test.cluster, drilled(""))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}
