package access

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

var report = holder{namespace: "etat-civil", bucket: "actes", access: "report"}

// desk is a reconciler that remembers keys.
func desk() *Reconciler {
	cluster := fake.NewClientBuilder().Build()
	return &Reconciler{Config: Config{Client: cluster, Namespace: "rempart-system", Installation: ownership.Installation{ID: "town"}}}
}

func TestWhatIsRememberedOfAKeyComesBackWhole(t *testing.T) {
	r := desk()
	whole := key(here, 3, time.Hour, requested, func(s *slot) {
		s.key = provider.Key{AccessKey: "access", SecretKey: secret.New("secret")}
		s.overlap, s.replica, s.consumer = 90*time.Minute, "uid", "whole"
	})
	begun := key(there, 4, time.Minute, intent, func(s *slot) { s.consumer = "begun" })
	stranger := key(here, 1, time.Hour, func(s *slot) { s.consumer = "stranger" })
	for s, h := range map[*slot]holder{
		&whole: report, &begun: report, &stranger: {namespace: "etat-civil", bucket: "other", access: "report"},
	} {
		if err := r.keep(t.Context(), h, *s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.keys(t.Context(), r.Client, report)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != begun || got[1] != whole {
		t.Errorf("got %+v, want %+v and %+v", got, begun, whole)
	}
	holders, err := r.holders(t.Context(), report.name())
	if err != nil || len(holders) != 2 {
		t.Errorf("keys are kept for %v (%v), want two accesses of that name", holders, err)
	}
	if err := r.forget(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	if left, err := r.keys(t.Context(), r.Client, report); err != nil || !cmp.Equal(names(left), []string{"begun"}) {
		t.Errorf("left are %v (%v)", names(left), err)
	}
}

func TestACopyThatIsNoneIsNamed(t *testing.T) {
	for name, text := range map[string]string{"cut short": `{"slot":`, "of another kind": `{"slot": "first"}`, "empty": ""} {
		_, err := decode(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "rempart-x"},
			Data:       map[string][]byte{recordKey: []byte(text), provider.SecretKey: []byte("hidden")},
		})
		if !fault.HasReason(err, fault.InvalidConfiguration) || !strings.Contains(err.Error(), "rempart-x") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHoldersAreNamed(t *testing.T) {
	if got, is := holderNamed(report.String()); got != report || !is {
		t.Errorf("%v, %t", got, is)
	}
	if _, is := holderNamed(""); is {
		t.Error("nothing names somebody")
	}
}
