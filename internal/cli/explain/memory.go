package explain

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// memory holds objects and is read like a cluster, indexes included, so that the
// operator's own code gathers from files what it gathers from a cluster. It knows
// no kind by name: whatever gathering comes to read is read here too.
type memory struct {
	objects []client.Object
	indexes map[reflect.Type]map[string]client.IndexerFunc
}

// newMemory makes a memory of the objects. It keeps them and does not copy them.
func newMemory(objects []client.Object) *memory {
	return &memory{objects: objects, indexes: map[reflect.Type]map[string]client.IndexerFunc{}}
}

// IndexField implements client.FieldIndexer.
func (m *memory) IndexField(_ context.Context, of client.Object, field string, extract client.IndexerFunc) error {
	kind := reflect.TypeOf(of)
	if m.indexes[kind] == nil {
		m.indexes[kind] = map[string]client.IndexerFunc{}
	}
	m.indexes[kind][field] = extract
	return nil
}

// Get implements client.Reader.
func (m *memory) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	found := m.find(reflect.TypeOf(into), key)
	if found == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: fmt.Sprintf("%T", into)}, key.String())
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(found.DeepCopyObject()).Elem())
	return nil
}

func (m *memory) find(kind reflect.Type, key client.ObjectKey) client.Object {
	index := slices.IndexFunc(m.objects, func(o client.Object) bool {
		return reflect.TypeOf(o) == kind && client.ObjectKeyFromObject(o) == key
	})
	if index < 0 {
		return nil
	}
	return m.objects[index]
}

// List implements client.Reader.
func (m *memory) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	items, err := meta.GetItemsPtr(into)
	if err != nil {
		return fmt.Errorf("list %T: %w", into, err)
	}
	kind := reflect.PointerTo(reflect.TypeOf(items).Elem().Elem())
	wanted := (&client.ListOptions{}).ApplyOptions(options)
	var found []runtime.Object
	for _, object := range m.objects {
		if reflect.TypeOf(object) != kind {
			continue
		}
		matches, err := m.matches(object, wanted)
		if err != nil {
			return err
		}
		if matches {
			found = append(found, object.DeepCopyObject())
		}
	}
	return meta.SetList(into, found)
}

func (m *memory) matches(object client.Object, wanted *client.ListOptions) (bool, error) {
	if wanted.Namespace != "" && object.GetNamespace() != wanted.Namespace {
		return false, nil
	}
	if wanted.LabelSelector != nil && !wanted.LabelSelector.Matches(labels.Set(object.GetLabels())) {
		return false, nil
	}
	if wanted.FieldSelector == nil {
		return true, nil
	}
	for _, requirement := range wanted.FieldSelector.Requirements() {
		extract := m.indexes[reflect.TypeOf(object)][requirement.Field]
		if extract == nil {
			return false, fmt.Errorf("%T has no index of %s", object, requirement.Field)
		}
		if !slices.Contains(extract(object), requirement.Value) {
			return false, nil
		}
	}
	return true, nil
}

func typeOf(object client.Object) reflect.Type { return reflect.TypeOf(object) }

// all gives the objects of a type.
func all[T client.Object](m *memory) []T {
	var found []T
	for _, object := range m.objects {
		if typed, is := object.(T); is {
			found = append(found, typed)
		}
	}
	return found
}
