package loop_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/loop"
)

func TestRequestsForWhatAListFinds(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	in := func(namespace, name string) client.Object {
		return &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	var failure error
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(in("a", "1"), in("a", "2"), in("b", "3")).
		WithInterceptorFuncs(interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
				return errors.Join(failure, c.List(ctx, list, options...))
			},
		}).Build()
	request := func(name string) reconcile.Request {
		return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "a", Name: name}}
	}
	got := loop.Requests(t.Context(), c, &v1alpha1.SovereignBucketList{}, client.InNamespace("a"))
	if diff := cmp.Diff([]reconcile.Request{request("1"), request("2")}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	failure = errors.New("the cache is closed")
	if got := loop.Requests(t.Context(), c, &v1alpha1.SovereignBucketList{}); got != nil {
		t.Errorf("requests of a list that failed: %v", got)
	}
}
