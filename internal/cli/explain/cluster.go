package explain

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
)

// cluster is what is read online.
type cluster interface {
	Get(ctx context.Context, key client.ObjectKey, into client.Object) error
	List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error
}

// survey collects what a cluster has. It reads no more than the question needs,
// so that nobody needs more rights than that.
type survey struct {
	cluster cluster
	objects []client.Object
}

// get adds an object, which has to be there.
func (s *survey) get(ctx context.Context, key client.ObjectKey, into client.Object) error {
	if err := s.cluster.Get(ctx, key, into); err != nil {
		return fmt.Errorf("read %s %s: %w", kindOf(into), name(key), err)
	}
	s.objects = append(s.objects, into)
	return nil
}

// list adds the objects of a list.
func (s *survey) list(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if err := s.cluster.List(ctx, into, options...); err != nil {
		return fmt.Errorf("list objects of kind %s: %w", strings.TrimSuffix(kindOf(into), "List"), err)
	}
	return meta.EachListItem(into, func(object runtime.Object) error {
		s.objects = append(s.objects, object.(client.Object))
		return nil
	})
}

func kindOf(object runtime.Object) string {
	kind := fmt.Sprintf("%T", object)
	return kind[strings.LastIndex(kind, ".")+1:]
}

func name(key client.ObjectKey) string {
	if key.Namespace == "" {
		return key.Name
	}
	return key.String()
}

// surveyBucket reads what placement looks at for one bucket.
func surveyBucket(ctx context.Context, from cluster, key client.ObjectKey) ([]client.Object, error) {
	s := &survey{cluster: from}
	bucket := &v1alpha1.SovereignBucket{}
	if err := s.get(ctx, key, bucket); err != nil {
		return nil, err
	}
	if err := s.list(ctx, &v1alpha1.SovereignProviderList{}); err != nil {
		return nil, err
	}
	if err := s.list(ctx, &v1alpha1.BucketReplicaList{}, client.InNamespace(key.Namespace)); err != nil {
		return nil, err
	}
	if err := s.list(ctx, &v1alpha1.SovereigntyExceptionList{}, client.InNamespace(key.Namespace)); err != nil {
		return nil, err
	}
	// All of them, because any may apply to the namespace.
	if err := s.list(ctx, &v1alpha1.SovereigntyPolicyList{}); err != nil {
		return nil, err
	}
	if err := s.get(ctx, client.ObjectKey{Name: key.Namespace}, &corev1.Namespace{}); err != nil {
		return nil, err
	}
	return s.objects, nil
}

// surveyPolicy reads what placement looks at for the buckets that one policy binds,
// in one namespace or, if that is empty, in all.
func surveyPolicy(ctx context.Context, from cluster, policy, namespace string) ([]client.Object, error) {
	s := &survey{cluster: from}
	if err := from.Get(ctx, client.ObjectKey{Name: policy}, &v1alpha1.SovereigntyPolicy{}); err != nil {
		return nil, fmt.Errorf("read SovereigntyPolicy %s: %w", policy, err)
	}
	if err := s.list(ctx, &v1alpha1.SovereigntyPolicyList{}); err != nil {
		return nil, err
	}
	if err := s.list(ctx, &v1alpha1.SovereignProviderList{}); err != nil {
		return nil, err
	}
	if err := s.list(ctx, &v1alpha1.BucketReplicaList{}, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	if err := s.list(ctx, &v1alpha1.SovereigntyExceptionList{}, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	var buckets v1alpha1.SovereignBucketList
	if err := s.list(ctx, &buckets, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	read := map[string]bool{}
	for _, bucket := range buckets.Items {
		if read[bucket.Namespace] {
			continue
		}
		read[bucket.Namespace] = true
		if err := s.get(ctx, client.ObjectKey{Name: bucket.Namespace}, &corev1.Namespace{}); err != nil {
			return nil, err
		}
	}
	return s.objects, nil
}

// surveyAll reads all that placement can look at.
func surveyAll(ctx context.Context, from cluster) ([]client.Object, error) {
	s := &survey{cluster: from}
	for _, list := range []client.ObjectList{
		&v1alpha1.SovereignProviderList{}, &v1alpha1.SovereigntyPolicyList{}, &v1alpha1.SovereignBucketList{},
		&v1alpha1.BucketReplicaList{}, &v1alpha1.SovereigntyExceptionList{}, &corev1.NamespaceList{},
	} {
		if err := s.list(ctx, list); err != nil {
			return nil, err
		}
	}
	return s.objects, nil
}
