// Package docs applies what the documentation and the samples show to a real API
// server, so that they cannot rot.
package docs

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness"
)

var controlPlane = harness.SharedControlPlane{Options: harness.ControlPlaneOptions{CRDs: []string{"../../config/crd/bases"}}}

func TestMain(m *testing.M) { os.Exit(controlPlane.Run(m)) }

var example = regexp.MustCompile("(?s)```yaml\n(apiVersion: .*?)```")

func TestTheExamplesOfEveryPageAreAccepted(t *testing.T) {
	pages, err := filepath.Glob("../../docs/spec/*.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		examples := example.FindAllSubmatch(text, -1)
		if len(examples) == 0 {
			t.Errorf("%s has no worked example", page)
		}
		for _, found := range examples {
			for _, object := range documents(t, page, found[1]) {
				kinds[object.GetKind()] = true
				accept(t, page, object)
			}
		}
	}
	for kind := range app.Scheme().KnownTypes(schema.GroupVersion{Group: "rempart.dev", Version: "v1alpha1"}) {
		isOurs := strings.HasPrefix(kind, "Sovereign") || kind == "BucketReplica" || kind == "ReversibilityDrill"
		if isOurs && !strings.HasSuffix(kind, "List") && !kinds[kind] {
			t.Errorf("no page of docs/spec shows a %s", kind)
		}
	}
}

func TestTheSamplesAreAccepted(t *testing.T) {
	var samples []string
	for _, folder := range []string{"../../config/samples", "../../config/samples/policies"} {
		found, err := filepath.Glob(folder + "/*.yaml")
		if err != nil || len(found) == 0 {
			t.Fatalf("samples of %s: %v (%v)", folder, found, err)
		}
		samples = append(samples, found...)
	}
	for _, sample := range samples {
		if filepath.Base(sample) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range documents(t, sample, text) {
			accept(t, sample, object)
		}
	}
}

// documents splits a YAML stream.
func documents(t *testing.T, name string, text []byte) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		objects = append(objects, object)
	}
	return objects
}

// accept applies an object strictly: an unknown field is an error.
func accept(t *testing.T, name string, object *unstructured.Unstructured) {
	t.Helper()
	direct, err := client.New(controlPlane.Get(t).RESTConfig(), client.Options{Scheme: app.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	err = client.WithFieldValidation(direct, "Strict").Create(context.Background(), object)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Errorf("%s: %s %s: %v", name, object.GetKind(), object.GetName(), err)
	}
	t.Cleanup(func() { _ = direct.Delete(context.Background(), object) })
}
