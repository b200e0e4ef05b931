// Package drill starts reversibility drills, and follows them to their verdict.
//
// Start reading at NewCommand; follow.go waits, view.go draws what is under way,
// report.go says what it came to.
package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/env"
)

const (
	long = `Start a reversibility drill: a copy of the bucket is restored to a sandbox at
another operator, verified and measured, and the evidence is stored with two
operators. It touches no object of the dataset.

With --wait it is followed to its verdict. Ctrl-C only stops the waiting: the drill
goes on.

Exit codes with --wait: 0 Passed, 1 Failed, 3 Inconclusive. Otherwise: 0 the drill
was created. In both cases: 2 usage, 4 anything else, such as no cluster or no time
left.`
	examples = `  # Show that the data can leave, and wait for the verdict
  kubectl rempart drill actes -n etat-civil --wait

  # Restore the copy at ovh to outscale
  kubectl rempart drill actes --from ovh --to outscale`
)

// defaultPatience outlasts the deadline of a drill, 6 h, by a little: a drill ends
// by itself.
const defaultPatience = 6*time.Hour + 10*time.Minute

// command is the verb with its flags.
type command struct {
	env      *env.Environment
	from, to string
	name     string
	wait     bool
	timeout  time.Duration
}

// NewCommand makes the verb drill.
func NewCommand(environment *env.Environment) *cobra.Command {
	c := &command{env: environment}
	cmd := &cobra.Command{
		Use:     "drill BUCKET",
		Short:   "Show by drill that a bucket's data can leave a provider",
		Long:    long,
		Example: examples,
		Args:    cobra.ExactArgs(1),
		RunE:    env.Run(c.run),
	}
	flags := cmd.Flags()
	flags.StringVar(&c.from, "from", "", "provider, or provider/location, whose copy is restored; by default a replica")
	flags.StringVar(&c.to, "to", "", "provider, or provider/location, to restore to; by default the best one of another operator")
	flags.StringVar(&c.name, "name", "", "name of the drill; by default the bucket's with the time")
	flags.BoolVar(&c.wait, "wait", false, "follow the drill to its verdict")
	flags.DurationVar(&c.timeout, "timeout", defaultPatience, "how long to wait")
	return cmd
}

func (c *command) run(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("timeout") && !c.wait {
		return env.Usage(errors.New("--timeout is how long to --wait"))
	}
	if c.timeout <= 0 {
		return env.Usage(errors.New("--timeout must be more than 0"))
	}
	drill, err := c.drill(args[0])
	if err != nil {
		return env.Usage(err)
	}
	namespace, _, err := c.env.Cluster.Namespace()
	if err != nil {
		return err
	}
	drill.Namespace = namespace
	cluster, err := c.env.Cluster.Connect()
	if err != nil {
		return err
	}
	if err := create(cmd.Context(), cluster, drill); err != nil {
		return err
	}
	c.announce(drill)
	if !c.wait {
		return nil
	}
	return c.follow(cmd.Context(), drill, func(ctx context.Context) (*v1alpha1.ReversibilityDrill, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var latest v1alpha1.ReversibilityDrill
		err := cluster.Get(ctx, client.ObjectKeyFromObject(drill), &latest)
		return &latest, err
	})
}

// drill gives the object to create.
func (c *command) drill(bucket string) (*v1alpha1.ReversibilityDrill, error) {
	name := cmp.Or(c.name, nameAt(bucket, c.env.Clock.Now()))
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return nil, fmt.Errorf("%q cannot be the name of a drill: %s", name, strings.Join(problems, "; "))
	}
	from, to := place(c.from), place(c.to)
	if from != nil && to != nil && from.ProviderName == to.ProviderName {
		return nil, errors.New("--to must be another provider than --from: a drill shows that the data can leave it")
	}
	return &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ReversibilityDrillSpec{
			BucketRef: v1alpha1.NameReference{Name: bucket}, Scenario: v1alpha1.ScenarioRestore, From: from, To: to,
		},
	}, nil
}

// nameAt gives a name that tells the bucket and the time, and fits.
func nameAt(bucket string, now time.Time) string {
	suffix := now.UTC().Format("-20060102-150405")
	room := validation.DNS1123SubdomainMaxLength - len(suffix)
	return strings.TrimRight(bucket[:min(len(bucket), room)], "-.") + suffix
}

// place reads provider or provider/location; nothing chooses nothing.
func place(s string) *v1alpha1.DrillPlace {
	if s == "" {
		return nil
	}
	provider, location, _ := strings.Cut(s, "/")
	return &v1alpha1.DrillPlace{ProviderName: provider, Location: location}
}

// cluster is what the verb does with the cluster.
type cluster interface {
	Get(ctx context.Context, key client.ObjectKey, into client.Object) error
	Create(ctx context.Context, object client.Object) error
}

// create creates the drill, once it is sure that there is a bucket to drill: a
// drill of nothing would only wait for one.
func create(ctx context.Context, in cluster, drill *v1alpha1.ReversibilityDrill) error {
	key := client.ObjectKey{Namespace: drill.Namespace, Name: drill.Spec.BucketRef.Name}
	if err := in.Get(ctx, key, &v1alpha1.SovereignBucket{}); err != nil {
		return fmt.Errorf("read SovereignBucket %s: %w", key, err)
	}
	// Once it is sent, the answer is waited for: an interrupt just then would leave
	// nobody knowing whether there is a drill.
	err := in.Create(context.WithoutCancel(ctx), drill)
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a drill named %s exists already: choose another name with --name", drill.Name)
	}
	if err != nil {
		return fmt.Errorf("create the drill: %w", err)
	}
	return nil
}

// announce says what was created and how to follow it.
func (c *command) announce(drill *v1alpha1.ReversibilityDrill) {
	c.print("drill %s/%s created\n", drill.Namespace, drill.Name)
	if !c.wait {
		c.print("follow it:    %s\nsee it all:   kubectl get reversibilitydrill %s -n %s -o yaml\n", followWith(drill), drill.Name, drill.Namespace)
	}
}

func followWith(drill *v1alpha1.ReversibilityDrill) string {
	return fmt.Sprintf("kubectl get reversibilitydrill %s -n %s --watch", drill.Name, drill.Namespace)
}

// print writes to the standard output. A reader that has gone away is no reason
// to stop: the drill goes on, and the exit code still tells its verdict.
func (c *command) print(format string, args ...any) {
	_, _ = fmt.Fprintf(c.env.Out, format, args...)
}
