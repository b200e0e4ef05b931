package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/app"
)

// question is something that is asked of the API server about an object that is
// judged, and about one that is not.
type question struct {
	about string
	ask   func(ctx context.Context, isJudged bool) error
	// offend asks for what is refused where it is judged.
	offend func(ctx context.Context, isJudged bool) error

	without, with []time.Duration
}

// take asks both in turn, so often.
func (q *question) take(ctx context.Context, requests int) error {
	for range requests {
		for _, isJudged := range []bool{false, true} {
			started := time.Now()
			if err := q.ask(ctx, isJudged); err != nil {
				return fmt.Errorf("%s: %w", q.about, err)
			}
			took := time.Since(started)
			if isJudged {
				q.with = append(q.with, took)
			} else {
				q.without = append(q.without, took)
			}
		}
	}
	return nil
}

// await waits until an offence is refused where it is judged, and sees that it is not
// where it should not.
func (a *gate) await(ctx context.Context, q question) error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := q.offend(ctx, true)
		if apierrors.IsForbidden(err) {
			return q.offend(ctx, false)
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s: nothing is refused", q.about), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// questions are what is measured.
func (a *gate) questions() []question {
	namespace := func(isJudged bool) string {
		if isJudged {
			return "judged"
		}
		return "unjudged"
	}
	return []question{
		{
			about:  "a bucket that names places (webhook)",
			ask:    func(ctx context.Context, isJudged bool) error { return a.try(ctx, namespace(isJudged), "l0") },
			offend: func(ctx context.Context, isJudged bool) error { return a.try(ctx, namespace(isJudged), "l2") },
		},
		{
			about: "the status of a Node, as its kubelet writes it (2 admission policies)",
			ask: func(ctx context.Context, isJudged bool) error {
				return a.client.Status().Patch(ctx, node(isJudged), client.RawPatch("application/merge-patch+json", []byte(`{"status":{"phase":"Running"}}`)),
					&client.SubResourcePatchOptions{PatchOptions: client.PatchOptions{DryRun: []string{metav1.DryRunAll}}})
			},
			offend: func(ctx context.Context, isJudged bool) error {
				made := node(isJudged)
				made.Name += "-2"
				return a.operator.Create(ctx, made, client.DryRunAll)
			},
		},
		{
			about: "a Secret of an application (1 admission policy)",
			ask: func(ctx context.Context, isJudged bool) error {
				return a.client.Create(ctx, keys(isJudged), client.DryRunAll)
			},
			offend: func(ctx context.Context, isJudged bool) error {
				return a.operator.Create(ctx, keys(isJudged), client.DryRunAll)
			},
		},
	}
}

func node(isJudged bool) *corev1.Node {
	return &corev1.Node{ObjectMeta: marked("node", isJudged)}
}

func keys(isJudged bool) *corev1.Secret {
	made := &corev1.Secret{ObjectMeta: marked("keys", isJudged), Data: map[string][]byte{"key": []byte("value")}}
	made.Namespace = "unjudged"
	return made
}

// marked are the metadata of an object that admission policies are bound to, or not.
func marked(name string, isJudged bool) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Name: name}
	if isJudged {
		meta.Name, meta.Labels = name+"-judged", map[string]string{judgedLabel: "yes"}
	}
	return meta
}

// policies installs those of config/admission that others than Rempart meet, bound to
// what is marked, and what they are asked about.
func (a *gate) policies(ctx context.Context) error {
	config := rest.CopyConfig(a.plane.RESTConfig())
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:rempart-system:rempart", Groups: []string{"system:masters"}}
	var err error
	if a.operator, err = client.New(config, client.Options{Scheme: app.Scheme()}); err != nil {
		return err
	}
	for _, isJudged := range []bool{false, true} {
		if err := a.client.Create(ctx, node(isJudged)); err != nil {
			return err
		}
	}
	for _, file := range []string{"nodes.yaml", "secrets.yaml"} {
		if err := a.install(ctx, filepath.Join(a.root, "config/admission", file)); err != nil {
			return fmt.Errorf("install %s: %w", file, err)
		}
	}
	return nil
}

// install creates the admission policies of a file.
func (a *gate) install(ctx context.Context, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		var kind metav1.TypeMeta
		if err := utilyaml.Unmarshal([]byte(document), &kind); err != nil {
			return err
		}
		policy, binding := &admissionregistrationv1.ValidatingAdmissionPolicy{}, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
		var object client.Object = policy
		if kind.Kind == "ValidatingAdmissionPolicyBinding" {
			object = binding
		}
		if err := utilyaml.UnmarshalStrict([]byte(document), object); err != nil {
			return err
		}
		binding.Spec.MatchResources = &admissionregistrationv1.MatchResources{
			ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{judgedLabel: "yes"}},
		}
		if err := a.client.Create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

func admissionTable(requests int, questions []question) string {
	at := func(times []time.Duration, percent int) float64 {
		return float64(times[(len(times)-1)*percent/100].Microseconds()) / 1000
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| admission, %d each in turn | requests within | without ms | with it ms | ratio |\n|---|---|---|---|---|\n", requests)
	for _, q := range questions {
		slices.Sort(q.without)
		slices.Sort(q.with)
		for _, percent := range []int{50, 99} {
			bare, judged := at(q.without, percent), at(q.with, percent)
			fmt.Fprintf(&table, "| %s | %d %% | %.2f | %.2f | %.2f |\n", q.about, percent, bare, judged, judged/bare)
		}
	}
	return table.String()
}
