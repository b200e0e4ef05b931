package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// patience is how long the demo waits while nothing moves.
const patience = 3 * time.Minute

// dataset is the bucket of the samples.
func dataset() *v1alpha1.SovereignBucket {
	return &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: "actes"}}
}

// applySamples applies the samples, with the stand-ins' endpoints in place of the
// real ones, and waits until the application has its key.
func (d *demo) applySamples(ctx context.Context) error {
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	for _, store := range d.stores {
		if err := d.applyProvider(ctx, filepath.Join(root, "config/samples", "provider-"+store.provider+".yaml"), store); err != nil {
			return err
		}
	}
	for _, sample := range []string{"policy-etat-civil.yaml", "bucket-actes.yaml"} {
		if err := d.applyFile(ctx, filepath.Join(root, "config/samples", sample)); err != nil {
			return err
		}
	}
	bucket := dataset()
	if err := d.await(ctx, "waiting for the dataset to be placed", func() (string, bool, error) {
		if err := d.client.Get(ctx, client.ObjectKeyFromObject(bucket), bucket); err != nil {
			return "", false, err
		}
		ready := meta.FindStatusCondition(bucket.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil {
			return "", false, nil
		}
		return ready.Message, ready.Status == metav1.ConditionTrue, nil
	}); err != nil {
		return err
	}
	d.say("the primary is bucket %s at %s; the application's key is in Secret %s/%s", bucket.Status.Primary.BucketName,
		bucket.Status.PrimaryName, bucket.Namespace, bucket.Name)
	return nil
}

// applyProvider points a provider of the samples to its stand-in.
func (d *demo) applyProvider(ctx context.Context, path string, store *standIn) error {
	var sample v1alpha1.SovereignProvider
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, &sample); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	credentials := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: sample.Spec.CredentialsRef()},
		StringData: store.point(&sample.Spec),
	}
	if err := d.client.Create(ctx, credentials); err != nil {
		return err
	}
	d.say("SovereignProvider/%s", sample.Name)
	return d.client.Create(ctx, &sample)
}

// applyFile applies every document of a file.
func (d *demo) applyFile(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		made, err := d.client.Scheme().New(kind.GroupVersionKind())
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		object, isObject := made.(client.Object)
		if !isObject {
			return fmt.Errorf("%s: %s is no object", path, kind.Kind)
		}
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := d.client.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("%s: %w", path, err)
		}
		d.say("%s/%s", kind.Kind, object.GetName())
	}
	return nil
}

func (d *demo) makeNamespace(ctx context.Context, name string) error {
	return d.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// await waits until something is so, showing what it waits for.
func (d *demo) await(ctx context.Context, what string, look func() (detail string, done bool, err error)) error {
	busy := d.busy(what)
	defer busy.done()
	return d.poll(ctx, what, look)
}

// poll looks again and again until it is done. It gives up when the detail has
// stayed the same for too long: how long the whole takes depends on how much
// there is to do.
func (d *demo) poll(ctx context.Context, what string, look func() (detail string, done bool, err error)) error {
	moved, last := time.Now(), ""
	for time.Since(moved) < patience {
		detail, done, err := look()
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if done {
			return nil
		}
		if detail != last {
			moved, last = time.Now(), detail
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.operator.ended:
			return d.operator.failure()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s: nothing moved for %s: %s; the operator's log ends with:\n%s", what, patience, last, lastLines(d.operator.log))
}
