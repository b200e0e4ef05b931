// Package explain says where the copies of a bucket are to be and, for every
// other place, why not there: for what is in a cluster, for manifests that no
// cluster has seen, or for both together.
//
// It decides nothing by itself: the operator's own code gathers and judges, over
// a world that is read like a cluster. Start reading at NewCommand; world.go puts
// the world together, model.go is what comes out, render.go writes it for people.
package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/manifest"
	"github.com/rempart/rempart/internal/cli/output"
	"github.com/rempart/rempart/internal/message"
)

const (
	long = `Say for every bucket where its copies are to be, and for every place what
speaks against it.

With -f it works offline: it reads manifests and no cluster. What only trying can
tell, such as what a store can do, comes from the status in the files; where they
have none, the best case is assumed and marked. Manifests are validated as the API
server does it.

Messages are in French with --lang fr, or where LC_ALL, LC_MESSAGES or LANG says so;
names, rules and reasons are the same in every language.

Exit codes: 0 every bucket is satisfied, 1 some bucket is not, 2 usage, or a file
that cannot be read or is not valid, 4 anything else, such as no cluster.`
	examples = `  # Why is it where it is?
  kubectl rempart explain bucket actes -n etat-civil

  # Every bucket under a policy
  kubectl rempart explain policy etat-civil

  # Before anything is applied, without a cluster
  kubectl rempart explain -f manifests/

  # What if this were applied to the cluster?
  kubectl rempart explain -f stricter-policy.yaml --against cluster`
)

// againstCluster is the only value of --against.
const againstCluster = "cluster"

// command is the verb with its flags.
type command struct {
	env       *env.Environment
	format    output.Format
	files     []string
	recursive bool
	at        string
	against   string
}

// NewCommand makes the verb explain.
func NewCommand(environment *env.Environment) *cobra.Command {
	c := &command{env: environment}
	cmd := &cobra.Command{
		Use:     "explain -f FILE... | explain bucket NAME | explain policy NAME",
		Short:   "Say where copies are to be, and why not elsewhere",
		Long:    long,
		Example: examples,
		Args:    cobra.ArbitraryArgs,
		RunE:    env.Run(c.fromFiles),
	}
	cmd.Flags().StringArrayVarP(&c.files, "filename", "f", nil, "files or folders with manifests; - is the standard input")
	cmd.Flags().BoolVarP(&c.recursive, "recursive", "R", false, "also read the folders inside folders")
	cmd.Flags().StringVar(&c.at, "at", "", "explain as of this time (RFC 3339, or a date) instead of now")
	cmd.Flags().StringVar(&c.against, "against", "", "cluster: add the files to what the cluster has")
	c.format.AddFlag(cmd.PersistentFlags())
	c.env.AddLanguageFlag(cmd.PersistentFlags())
	cmd.AddCommand(
		&cobra.Command{
			Use: "bucket NAME", Short: "Explain a bucket of the cluster", Long: long, Args: cobra.ExactArgs(1), RunE: env.Run(c.bucket),
		},
		&cobra.Command{
			Use: "policy NAME", Short: "Explain the buckets under a policy of the cluster", Long: long, Args: cobra.ExactArgs(1), RunE: env.Run(c.policy),
		},
	)
	return cmd
}

// fromFiles explains manifests.
func (c *command) fromFiles(cmd *cobra.Command, args []string) error {
	if len(c.files) == 0 {
		return env.Usage(errors.New("name files with -f, or a bucket or policy of the cluster: explain bucket NAME, explain policy NAME"))
	}
	at, err := parseTime(c.at)
	if err != nil {
		return env.Usage(err)
	}
	if c.against != "" && c.against != againstCluster {
		return env.Usage(fmt.Errorf("--against %q: the only thing to be against is %q", c.against, againstCluster))
	}
	namespace, err := c.namespace()
	if err != nil {
		return err
	}
	set, err := manifest.Read(manifest.Options{
		Paths: slices.Concat(c.files, args), Recursive: c.recursive, In: c.env.In, Namespace: namespace,
	})
	if err != nil {
		return env.Input(err)
	}
	for _, note := range set.Notes {
		c.env.Tell(note)
	}
	world, buckets, err := c.world(cmd.Context(), set.Objects)
	if err != nil {
		return err
	}
	if len(buckets) == 0 {
		c.env.Tell(message.Of("there is no SovereignBucket to explain"))
	}
	return c.answer(cmd.Context(), world, buckets, at)
}

// namespace is that of objects that name none: offline, the kubeconfig is none of
// our business.
func (c *command) namespace() (string, error) {
	if c.against == "" {
		return cmp.Or(c.env.Cluster.NamespaceFlag(), corev1.NamespaceDefault), nil
	}
	namespace, _, err := c.env.Cluster.Namespace()
	return namespace, err
}

// world puts together what decisions are made from, and says which buckets to
// explain: all of the files, and against a cluster those of the cluster that the
// files may change.
func (c *command) world(ctx context.Context, files []client.Object) (*world, []*v1alpha1.SovereignBucket, error) {
	if c.against == "" {
		w, err := fromFiles(ctx, files)
		if err != nil {
			return nil, nil, err
		}
		return w, all[*v1alpha1.SovereignBucket](w.memory), nil
	}
	reader, err := c.env.Cluster.Connect()
	if err != nil {
		return nil, nil, err
	}
	cluster, err := surveyAll(ctx, reader)
	if err != nil {
		return nil, nil, err
	}
	w, err := fromFilesAgainst(ctx, cluster, files)
	if err != nil {
		return nil, nil, err
	}
	changed := slices.Concat(files, w.replaced)
	return w, touched(all[*v1alpha1.SovereignBucket](w.memory), changed), nil
}

// touched are the buckets whose decision may depend on the files.
func touched(buckets []*v1alpha1.SovereignBucket, files []client.Object) []*v1alpha1.SovereignBucket {
	return slices.DeleteFunc(buckets, func(bucket *v1alpha1.SovereignBucket) bool {
		return !slices.ContainsFunc(files, func(file client.Object) bool {
			switch file := file.(type) {
			case *v1alpha1.SovereignBucket:
				return client.ObjectKeyFromObject(file) == client.ObjectKeyFromObject(bucket)
			case *v1alpha1.SovereigntyPolicy:
				// Whom a baseline binds depends on the labels of namespaces.
				return file.Name == bucket.Spec.PolicyRef.Name || file.Spec.AppliesTo != nil
			case *corev1.Namespace:
				return file.Name == bucket.Namespace
			case *v1alpha1.BucketReplica:
				return file.Namespace == bucket.Namespace && file.Spec.BucketRef.Name == bucket.Name
			case *v1alpha1.SovereigntyException:
				return file.Namespace == bucket.Namespace && file.Spec.SubjectRef.Name == bucket.Name
			case *v1alpha1.SovereignProvider:
				return true
			}
			return false
		})
	})
}

// bucket explains a bucket of the cluster.
func (c *command) bucket(cmd *cobra.Command, args []string) error {
	namespace, _, err := c.env.Cluster.Namespace()
	if err != nil {
		return err
	}
	reader, err := c.env.Cluster.Connect()
	if err != nil {
		return err
	}
	objects, err := surveyBucket(cmd.Context(), reader, client.ObjectKey{Namespace: namespace, Name: args[0]})
	if err != nil {
		return err
	}
	w, err := newWorld(cmd.Context(), objects)
	if err != nil {
		return err
	}
	return c.answer(cmd.Context(), w, all[*v1alpha1.SovereignBucket](w.memory), nil)
}

// policy explains the buckets under a policy of the cluster.
func (c *command) policy(cmd *cobra.Command, args []string) error {
	namespace, isExplicit, err := c.env.Cluster.Namespace()
	if err != nil {
		return err
	}
	if !isExplicit {
		namespace = corev1.NamespaceAll
	}
	reader, err := c.env.Cluster.Connect()
	if err != nil {
		return err
	}
	objects, err := surveyPolicy(cmd.Context(), reader, args[0], namespace)
	if err != nil {
		return err
	}
	w, err := newWorld(cmd.Context(), objects)
	if err != nil {
		return err
	}
	buckets := w.boundBy(args[0])
	if len(buckets) == 0 {
		c.env.Tell(message.Of("the policy %s binds no SovereignBucket", args[0]))
	}
	return c.answer(cmd.Context(), w, buckets, nil)
}

// answer explains the buckets, in the order of their names.
func (c *command) answer(ctx context.Context, w *world, buckets []*v1alpha1.SovereignBucket, at *time.Time) error {
	slices.SortFunc(buckets, func(a, b *v1alpha1.SovereignBucket) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	w.now = c.env.Clock.Now()
	if at != nil {
		w.now = *at
	}
	found := answer{at: at, language: c.env.Language, buckets: []Explanation{}}
	for _, bucket := range buckets {
		decided, err := w.decide(ctx, bucket)
		if err != nil {
			return err
		}
		found.buckets = append(found.buckets, decided.explanation(c.env.Language))
	}
	if err := output.Write(c.env.Out, c.format, found.buckets, func() string { return render(found) }); err != nil {
		return err
	}
	if !found.isSatisfied() {
		return env.Answer(env.ExitNo)
	}
	return nil
}

// parseTime reads a time or a date; nothing is now.
func parseTime(s string) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return &at, nil
		}
	}
	return nil, fmt.Errorf("--at %q is neither a time such as 2026-12-01T08:00:00Z nor a date such as 2026-12-01", s)
}
