package manifest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// readDocument reads one document: an object, a list of them, or nothing.
func (r *reader) readDocument(at place, document []byte, others *passedOver) {
	encoded, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		r.mistakes = append(r.mistakes, at.mistake("it is not YAML: %v", err))
		return
	}
	var decoded any
	if err := utiljson.Unmarshal(encoded, &decoded); err != nil {
		r.mistakes = append(r.mistakes, at.mistake("it is not YAML: %v", err))
		return
	}
	if decoded != nil { // nothing but comments
		r.readValue(at, decoded, others)
	}
}

func (r *reader) readValue(at place, value any, others *passedOver) {
	fields, isObject := value.(map[string]any)
	if !isObject {
		r.mistakes = append(r.mistakes, at.mistake("it is no object: apiVersion, kind and metadata are expected"))
		return
	}
	object := unstructured.Unstructured{Object: fields}
	at.object = strings.TrimSpace(object.GetKind() + " " + nameOf(object))
	kind, err := kindOf(object)
	if err != nil {
		r.mistakes = append(r.mistakes, at.mistake("%v", err))
		return
	}
	if r.isList(kind) {
		r.readList(at, object, others)
		return
	}
	switch {
	case kind.Group == v1alpha1.GroupVersion.Group:
		r.readOurs(at, kind, object)
	case kind == corev1.SchemeGroupVersion.WithKind("Namespace"):
		r.add(at, object, &corev1.Namespace{})
	default:
		others.add(kind.Kind)
	}
}

func nameOf(object unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}

func kindOf(object unstructured.Unstructured) (schema.GroupVersionKind, error) {
	switch {
	case object.GetKind() == "":
		return schema.GroupVersionKind{}, errors.New("kind: Required value: it is not said what this is")
	case object.GetAPIVersion() == "":
		return schema.GroupVersionKind{}, errors.New("apiVersion: Required value: it is not said of which group this kind is")
	}
	version, err := schema.ParseGroupVersion(object.GetAPIVersion())
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("apiVersion: %w", err)
	}
	return version.WithKind(object.GetKind()), nil
}

// isList tells whether the kind is v1 List, or a list of one of our kinds as the
// API server gives it.
func (r *reader) isList(kind schema.GroupVersionKind) bool {
	if kind == corev1.SchemeGroupVersion.WithKind("List") {
		return true
	}
	element, isList := strings.CutSuffix(kind.Kind, "List")
	return isList && kind.GroupVersion() == v1alpha1.GroupVersion && r.schemas[element] != nil
}

func (r *reader) readList(at place, list unstructured.Unstructured, others *passedOver) {
	items, found := list.Object["items"].([]any)
	if !found {
		r.mistakes = append(r.mistakes, at.mistake("items: Required value: a list has items"))
		return
	}
	element := strings.TrimSuffix(list.GetKind(), "List")
	for i, item := range items {
		inside := at
		inside.item, inside.object = i+1, ""
		if fields, isObject := item.(map[string]any); isObject && element != "" {
			// The items of a typed list do not repeat what they are.
			fields["apiVersion"], fields["kind"] = list.GetAPIVersion(), element
		}
		r.readValue(inside, item, others)
	}
}

// readOurs reads an object of rempart.dev.
func (r *reader) readOurs(at place, kind schema.GroupVersionKind, object unstructured.Unstructured) {
	definition := r.schemas[kind.Kind]
	if definition == nil || kind.Version != v1alpha1.GroupVersion.Version {
		r.mistakes = append(r.mistakes, at.mistake("kind: Unsupported value: %q in %s: supported kinds of %s are %s",
			kind.Kind, kind.GroupVersion(), v1alpha1.GroupVersion, strings.Join(r.schemas.kinds(), ", ")))
		return
	}
	if definition.isNamespaced && object.GetNamespace() == "" {
		if err := unstructured.SetNestedField(object.Object, r.namespace, "metadata", "namespace"); err != nil {
			r.mistakes = append(r.mistakes, at.mistake("metadata: %v", err))
			return
		}
	}
	problems, err := definition.check(object.Object)
	if err != nil {
		r.mistakes = append(r.mistakes, at.mistake("%v", err))
		return
	}
	for _, problem := range problems {
		r.mistakes = append(r.mistakes, at.mistake("%s", problem))
	}
	if len(problems) == 0 {
		r.add(at, object, definition.empty())
	}
}

// identity is what makes an object the same as another.
type identity struct{ kind, namespace, name string }

// add adds an object to the set. A later one of the same kind and name takes the
// place of an earlier one, as it does when files are applied.
func (r *reader) add(at place, object unstructured.Unstructured, typed client.Object) {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
		r.mistakes = append(r.mistakes, at.mistake("%v", err))
		return
	}
	if typed.GetName() == "" {
		r.mistakes = append(r.mistakes, at.mistake("metadata.name: Required value: name is required"))
		return
	}
	id := identity{kind: object.GetKind(), namespace: typed.GetNamespace(), name: typed.GetName()}
	if before, isAgain := r.seen[id]; isAgain {
		r.set.Notes = append(r.set.Notes, message.Of("%s is there already in %s: the later one counts", at.text(), before.text()))
		r.set.Objects = slices.DeleteFunc(r.set.Objects, func(o client.Object) bool {
			return reflect.TypeOf(o) == reflect.TypeOf(typed) && o.GetNamespace() == id.namespace && o.GetName() == id.name
		})
	}
	r.seen[id] = at
	r.set.Objects = append(r.set.Objects, typed)
}
