// Package status shows how buckets fare: one line for each, or all there is to
// say about one, with what a person can do about it.
//
// Start reading at NewCommand; model.go is what is shown, render.go writes it for
// people, hint.go knows what helps.
package status

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/output"
)

const (
	long = `Show how buckets fare. With the name of a bucket: every copy of it, what is not
well and why, and what can be done about it.

What is not known is shown as Unknown, never as healthy.

Exit codes: 0 it was shown, 1 with --fail some bucket is not protected, 2 usage,
4 anything else, such as no cluster.`
	examples = `  # Every bucket of the current namespace
  kubectl rempart status

  # One bucket, in detail
  kubectl rempart status actes -n etat-civil

  # For a monitor: fail when some bucket is not protected
  kubectl rempart status -A --fail`
)

// command is the verb with its flags.
type command struct {
	env    *env.Environment
	format output.Format
	all    bool
	fail   bool
}

// NewCommand makes the verb status.
func NewCommand(environment *env.Environment) *cobra.Command {
	c := &command{env: environment}
	cmd := &cobra.Command{
		Use:     "status [BUCKET]",
		Short:   "Show how buckets fare, and what to do about it",
		Long:    long,
		Example: examples,
		Args:    cobra.MaximumNArgs(1),
		RunE:    env.Run(c.run),
	}
	cmd.Flags().BoolVarP(&c.all, "all-namespaces", "A", false, "show the buckets of all namespaces")
	cmd.Flags().BoolVar(&c.fail, "fail", false, "exit with 1 when some bucket that is shown is not protected")
	c.format.AddFlag(cmd.Flags())
	return cmd
}

func (c *command) run(cmd *cobra.Command, args []string) error {
	if c.all && len(args) > 0 {
		return env.Usage(errors.New("a bucket has one namespace: name it with -n, without -A"))
	}
	namespace, _, err := c.env.Cluster.Namespace()
	if err != nil {
		return err
	}
	if c.all {
		namespace = corev1.NamespaceAll
	}
	reader, err := c.env.Cluster.Connect()
	if err != nil {
		return err
	}
	seen, err := c.look(cmd.Context(), reader, namespace, args)
	if err != nil {
		return err
	}
	models := seen.models()
	if len(models) == 0 {
		c.env.Note(nothingIn(namespace))
	}
	if err := output.Write(c.env.Out, c.format, models, func() string { return c.render(models, args) }); err != nil {
		return err
	}
	if c.fail && !areProtected(models) {
		return env.Answer(env.ExitNo)
	}
	return nil
}

func (c *command) render(models []Bucket, args []string) string {
	if len(args) > 0 {
		return renderOne(models[0], c.env.Clock.Now())
	}
	return renderList(models, c.env.Clock.Now())
}

func nothingIn(namespace string) string {
	if namespace == corev1.NamespaceAll {
		return "there is no SovereignBucket in any namespace"
	}
	return fmt.Sprintf("there is no SovereignBucket in namespace %s", namespace)
}

// areProtected tells whether every bucket is.
func areProtected(models []Bucket) bool {
	for _, model := range models {
		if model.Protected != metav1.ConditionTrue {
			return false
		}
	}
	return true
}

// cluster is what is read.
type cluster interface {
	Get(ctx context.Context, key client.ObjectKey, into client.Object) error
	List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error
}

// look reads the buckets and their copies.
func (c *command) look(ctx context.Context, reader cluster, namespace string, names []string) (world, error) {
	var seen world
	var replicas v1alpha1.BucketReplicaList
	if err := reader.List(ctx, &replicas, client.InNamespace(namespace)); err != nil {
		return seen, fmt.Errorf("list the copies: %w", err)
	}
	seen.replicas = replicas.Items
	if len(names) == 0 {
		var buckets v1alpha1.SovereignBucketList
		err := reader.List(ctx, &buckets, client.InNamespace(namespace))
		if err != nil {
			return seen, fmt.Errorf("list the buckets: %w", err)
		}
		seen.buckets = buckets.Items
		return seen, nil
	}
	var bucket v1alpha1.SovereignBucket
	if err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: names[0]}, &bucket); err != nil {
		return seen, fmt.Errorf("read SovereignBucket %s/%s: %w", namespace, names[0], err)
	}
	seen.buckets = append(seen.buckets, bucket)
	seen, err := c.lookAtAccesses(ctx, reader, namespace, seen)
	if err != nil {
		return seen, err
	}
	return c.lookAtProviders(ctx, reader, seen)
}

// lookAtAccesses adds the accesses. Who may not read them is shown the rest.
func (c *command) lookAtAccesses(ctx context.Context, reader cluster, namespace string, seen world) (world, error) {
	var accesses v1alpha1.SovereignBucketAccessList
	err := reader.List(ctx, &accesses, client.InNamespace(namespace))
	if apierrors.IsForbidden(err) {
		c.env.Note("you may not read SovereignBucketAccesses, so it is not shown who has a key")
		return seen, nil
	}
	if err != nil {
		return seen, fmt.Errorf("list the accesses: %w", err)
	}
	seen.accesses = accesses.Items
	return seen, nil
}

// lookAtProviders adds the providers. Who may not read them, as tenants often may
// not, is shown the rest.
func (c *command) lookAtProviders(ctx context.Context, reader cluster, seen world) (world, error) {
	var providers v1alpha1.SovereignProviderList
	err := reader.List(ctx, &providers)
	if apierrors.IsForbidden(err) {
		c.env.Note("you may not read SovereignProviders, so it is not shown whether they are ready")
		return seen, nil
	}
	if err != nil {
		return seen, fmt.Errorf("list the providers: %w", err)
	}
	seen.providers = providers.Items
	return seen, nil
}
