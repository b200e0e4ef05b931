// Package certificate keeps the certificate that the operator's webhook serves, and
// has the API server trust it: it keeps both in a Secret, renews them in time, and
// writes the authority into the ValidatingWebhookConfiguration.
//
// Every replica of the operator runs it, because every one serves. Whichever writes
// the Secret first wins, and the others take up what it wrote.
//
// Start reading at Reconciler.Reconcile; what is renewed and when is for
// internal/certificate.
package certificate

import (
	"bytes"
	"context"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/rempart/rempart/internal/certificate"
)

// SecretName names the Secret in the operator's namespace that keeps the
// certificate.
const SecretName = "rempart-webhook-certificate"

// SecretType is the type of that Secret. A type never changes, so another's Secret of
// the name is told apart and left alone.
const SecretType corev1.SecretType = "rempart.dev/webhook-certificate"

// Keys of the Secret.
const (
	authoritiesKey  = "ca.crt"
	authorityKeyKey = "ca.key"
)

// Config is what the reconciler needs.
type Config struct {
	Client client.Client
	Clock  clock.PassiveClock
	// Namespace is the operator's own.
	Namespace string
	// Configuration names the ValidatingWebhookConfiguration that is to trust the
	// certificate.
	Configuration string
	// Hosts are names and addresses under which the webhook is called.
	Hosts []string
	// Holder takes what is to be served.
	Holder *certificate.Holder
}

// Reconciler keeps the certificate.
type Reconciler struct{ Config }

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler { return &Reconciler{Config: config} }

// SetupWithManager has the manager run the reconciler, on every replica. Its rights
// are not generated, because they are to one object by its name.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	onlyOneWorks := false
	here := reconcile.Request{NamespacedName: r.secretName()}
	atOnce := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		queue.Add(here)
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("certificate").
		For(&corev1.Secret{}, builder.WithPredicates(predicate.NewPredicateFuncs(func(secret client.Object) bool {
			return client.ObjectKeyFromObject(secret) == r.secretName()
		}))).
		Watches(&admissionregistrationv1.ValidatingWebhookConfiguration{}, handler.EnqueueRequestsFromMapFunc(
			func(context.Context, client.Object) []reconcile.Request { return []reconcile.Request{here} })).
		WatchesRawSource(atOnce).
		WithOptions(controller.Options{NeedLeaderElection: &onlyOneWorks}).
		Complete(r)
}

func (r *Reconciler) secretName() types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: SecretName}
}

// longestWait is how long it may take until a changed clock is noticed.
const longestWait = time.Hour

// Reconcile renews what is due, serves it, and has it trusted. That another replica
// was faster, or our cache is behind, is no failure: it looks again.
func (r *Reconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	result, err := r.look(ctx)
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return ctrl.Result{RequeueAfter: time.Second}, nil
	}
	return result, err
}

func (r *Reconciler) look(ctx context.Context) (ctrl.Result, error) {
	var secret corev1.Secret
	err := r.Client.Get(ctx, r.secretName(), &secret)
	isMissing := apierrors.IsNotFound(err)
	if err != nil && !isMissing {
		return ctrl.Result{}, fmt.Errorf("read the Secret of the certificate: %w", err)
	}
	if !isMissing && secret.Type != SecretType {
		return ctrl.Result{}, reconcile.TerminalError(fmt.Errorf(
			"the webhook serves nothing: Secret %s is of type %q and not ours; delete it", r.secretName(), secret.Type))
	}
	renewal, err := certificate.Renew(r.Clock.Now(), keptIn(&secret), r.Hosts)
	if err != nil {
		return ctrl.Result{}, err
	}
	if renewal.Changed {
		if err := r.keep(ctx, &secret, renewal.Kept, isMissing); err != nil {
			return ctrl.Result{}, err
		}
		log.FromContext(ctx).Info("renewed the certificate of the webhook", "lookAgain", renewal.Next)
	}
	pair, err := renewal.Pair()
	if err != nil {
		return ctrl.Result{}, err
	}
	r.Holder.Set(pair)
	if err := r.haveTrusted(ctx, renewal.Authorities); err != nil {
		return ctrl.Result{}, err
	}
	wait := max(renewal.Next.Sub(r.Clock.Now()), time.Second)
	return ctrl.Result{RequeueAfter: min(wait, longestWait)}, nil
}

func keptIn(secret *corev1.Secret) certificate.Kept {
	return certificate.Kept{
		Authorities: secret.Data[authoritiesKey], AuthorityKey: secret.Data[authorityKeyKey],
		Certificate: secret.Data[corev1.TLSCertKey], Key: secret.Data[corev1.TLSPrivateKeyKey],
	}
}

// keep writes the Secret, unless somebody else was faster: then that is an error.
func (r *Reconciler) keep(ctx context.Context, secret *corev1.Secret, kept certificate.Kept, isMissing bool) error {
	data := map[string][]byte{
		authoritiesKey: kept.Authorities, authorityKeyKey: kept.AuthorityKey,
		corev1.TLSCertKey: kept.Certificate, corev1.TLSPrivateKeyKey: kept.Key,
	}
	if isMissing {
		made := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: SecretName}, Type: SecretType, Data: data}
		if err := r.Client.Create(ctx, made); err != nil {
			return fmt.Errorf("keep the certificate: %w", err)
		}
		return nil
	}
	changed := secret.DeepCopy()
	changed.Data = data
	if err := r.Client.Update(ctx, changed); err != nil {
		return fmt.Errorf("keep the certificate: %w", err)
	}
	return nil
}

// haveTrusted writes the authorities into every webhook of the configuration. One
// that does not exist calls nobody.
func (r *Reconciler) haveTrusted(ctx context.Context, authorities []byte) error {
	var configuration admissionregistrationv1.ValidatingWebhookConfiguration
	err := r.Client.Get(ctx, types.NamespacedName{Name: r.Configuration}, &configuration)
	if apierrors.IsNotFound(err) {
		log.FromContext(ctx).V(1).Info("no configuration calls the webhook", "name", r.Configuration)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the configuration of the webhook: %w", err)
	}
	before, changed := configuration.DeepCopy(), false
	for i := range configuration.Webhooks {
		config := &configuration.Webhooks[i].ClientConfig
		changed = changed || !bytes.Equal(config.CABundle, authorities)
		config.CABundle = authorities
	}
	if !changed {
		return nil
	}
	// Only the bundles, by the names of the webhooks, and only if nobody was faster.
	patch := client.StrategicMergeFrom(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, &configuration, patch); err != nil {
		return fmt.Errorf("have the API server trust the certificate: %w", err)
	}
	return nil
}
