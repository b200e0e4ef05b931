package env

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Cluster is the way to the cluster that the kubeconfig and kubectl's flags name.
// It reads the kubeconfig when it is asked for something, not before.
type Cluster struct {
	flags    *genericclioptions.ConfigFlags
	warnings io.Writer
}

// NewCluster makes a way to the cluster. What the API server warns of goes to
// warnings.
func NewCluster(warnings io.Writer) *Cluster {
	flags := genericclioptions.NewConfigFlags(true)
	flags.CacheDir = nil // nothing is discovered, so nothing is cached
	return &Cluster{flags: flags, warnings: warnings}
}

// AddFlags adds kubectl's flags.
func (c *Cluster) AddFlags(flags *pflag.FlagSet) { c.flags.AddFlags(flags) }

// Namespace gives the namespace of the flag or of the context, and whether it was
// the flag.
func (c *Cluster) Namespace() (name string, isExplicit bool, err error) {
	name, isExplicit, err = c.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", false, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return name, isExplicit, nil
}

// NamespaceFlag gives the namespace of the flag without a look at the kubeconfig;
// empty if there is none.
func (c *Cluster) NamespaceFlag() string { return *c.flags.Namespace }

// Connect gives a client. Its errors say what a person can do about them.
func (c *Cluster) Connect() (Client, error) {
	config, err := c.flags.ToRESTConfig()
	if err != nil {
		return Client{}, fmt.Errorf("find out how to reach the cluster: %w", err)
	}
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NewWarningWriter(c.warnings, rest.WarningWriterOptions{Deduplicate: true})
	scheme, err := Scheme()
	if err != nil {
		return Client{}, err
	}
	made, err := client.New(config, client.Options{Scheme: scheme, Mapper: mapper()})
	if err != nil {
		return Client{}, fmt.Errorf("find out how to reach the cluster: %w", err)
	}
	return Client{inner: made}, nil
}

// Scheme knows the kinds that the command line works with.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	return scheme, nil
}

// mapper knows the few resources that are read, so that nothing is asked of the
// cluster's discovery: one round trip less, and one right less to need.
func mapper() meta.RESTMapper {
	known := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion, corev1.SchemeGroupVersion})
	known.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	for kind, scope := range map[string]meta.RESTScope{
		"SovereignProvider":     meta.RESTScopeRoot,
		"SovereigntyPolicy":     meta.RESTScopeRoot,
		"SovereigntyException":  meta.RESTScopeNamespace,
		"SovereignBucket":       meta.RESTScopeNamespace,
		"SovereignBucketAccess": meta.RESTScopeNamespace,
		"BucketReplica":         meta.RESTScopeNamespace,
		"ReversibilityDrill":    meta.RESTScopeNamespace,
	} {
		known.Add(v1alpha1.GroupVersion.WithKind(kind), scope)
	}
	return known
}

// Client reads from the cluster and makes objects there.
type Client struct{ inner client.Client }

// Get reads an object.
func (c Client) Get(ctx context.Context, key client.ObjectKey, into client.Object) error {
	return explain(c.inner.Get(ctx, key, into))
}

// List reads objects.
func (c Client) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	return explain(c.inner.List(ctx, into, options...))
}

// Create makes an object.
func (c Client) Create(ctx context.Context, object client.Object) error {
	return explain(c.inner.Create(ctx, object))
}

// explain adds what to do to errors that do not say it. The error stays in the
// chain, so that callers can still tell what kind it is.
func explain(err error) error {
	var unreachable *url.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &unreachable):
		return fmt.Errorf("cannot reach the cluster that --kubeconfig and --context choose: %w", err)
	case apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse):
		return fmt.Errorf("the cluster does not know the kinds of %s, so Rempart is not installed there: %w", v1alpha1.GroupVersion.Group, err)
	}
	return err
}
