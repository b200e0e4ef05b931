package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const crdKind = "CustomResourceDefinition"

// InstallCRDs applies every CustomResourceDefinition in the YAML files of a
// folder and returns when the API server serves them all. Applying the same
// folder again is harmless. A kustomization in the folder is passed over; any
// other kind is an error, because it would be missed where the folder is
// installed for real.
func InstallCRDs(ctx context.Context, cfg *rest.Config, dir string) error {
	definitions, err := readCRDs(dir)
	if err != nil {
		return fmt.Errorf("install the definitions in %s: %w", dir, err)
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("install the definitions in %s: %w", dir, err)
	}
	resource := client.Resource(apiextensionsv1.SchemeGroupVersion.WithResource("customresourcedefinitions"))
	apply := metav1.ApplyOptions{FieldManager: "rempart-harness", Force: true}
	for _, definition := range definitions {
		if _, err := resource.Apply(ctx, definition.GetName(), definition, apply); err != nil {
			return fmt.Errorf("install %s: %w", definition.GetName(), err)
		}
	}
	for _, definition := range definitions {
		if err := waitServed(ctx, cfg, resource, definition.GetName()); err != nil {
			return fmt.Errorf("install %s: %w", definition.GetName(), err)
		}
	}
	return nil
}

func readCRDs(dir string) ([]*unstructured.Unstructured, error) {
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		matches, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, matches...)
	}
	var definitions []*unstructured.Unstructured
	for _, file := range files {
		found, err := readCRDFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		definitions = append(definitions, found...)
	}
	if len(definitions) == 0 {
		return nil, errors.New("no definition there; `make generate` writes them")
	}
	return definitions, nil
}

func readCRDFile(file string) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var definitions []*unstructured.Unstructured
	documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		document := &unstructured.Unstructured{}
		err := documents.Decode(&document.Object)
		switch {
		case errors.Is(err, io.EOF):
			return definitions, nil
		case err != nil:
			return nil, err
		case len(document.Object) == 0, document.GetKind() == "Kustomization":
		case document.GetKind() != crdKind:
			return nil, fmt.Errorf("a %s is not a %s", document.GetKind(), crdKind)
		default:
			definitions = append(definitions, document)
		}
	}
}

// waitServed waits for the Established condition and then for discovery, which
// follows a moment later: a client that maps kinds to resources reads it.
func waitServed(ctx context.Context, cfg *rest.Config, resource dynamic.ResourceInterface, name string) error {
	lookup, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return err
	}
	const interval, limit = 20 * time.Millisecond, 30 * time.Second
	return wait.PollUntilContextTimeout(ctx, interval, limit, true, func(ctx context.Context) (bool, error) {
		object, err := resource.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &definition); err != nil {
			return false, err
		}
		if established, err := isEstablished(&definition); !established || err != nil {
			return false, err
		}
		return discovered(lookup, &definition), nil
	})
}

func isEstablished(definition *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	for _, condition := range definition.Status.Conditions {
		refused := condition.Type == apiextensionsv1.NamesAccepted && condition.Status == apiextensionsv1.ConditionFalse
		if refused {
			return false, fmt.Errorf("its names are refused: %s", condition.Message)
		}
		if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
			return true, nil
		}
	}
	return false, nil
}

// discovered says whether every served version lists the resource. An error is
// a no: a group's first version answers 404 until it is there.
func discovered(lookup discovery.DiscoveryInterface, definition *apiextensionsv1.CustomResourceDefinition) bool {
	for _, version := range definition.Spec.Versions {
		if !version.Served {
			continue
		}
		list, err := lookup.ServerResourcesForGroupVersion(definition.Spec.Group + "/" + version.Name)
		if err != nil || !lists(list.APIResources, definition.Spec.Names.Plural) {
			return false
		}
	}
	return true
}

func lists(resources []metav1.APIResource, plural string) bool {
	for _, resource := range resources {
		if resource.Name == plural {
			return true
		}
	}
	return false
}
