// Package verify holds the evidence of drills against a public key, offline.
//
// Start reading at NewCommand; what is looked at is for package evidence.
package verify

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/output"
	"github.com/rempart/rempart/internal/evidence"
)

const (
	long = `Verify the evidence of drills with nothing but a public key: the form of every byte,
the signature, the manifest with a verdict on every object, and that nothing it says
contradicts the rest of it. Of several of one bucket, it also shows that none was taken
out between them. No cluster is asked.

An argument is the file evidence.json, whose manifest is beside it; a folder, and then
all evidence in and below it; or s3://BUCKET/KEY at a store that --endpoint names, with
the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

The public keys of an installation are in a ConfigMap. Fetch them once, and keep them
where nobody who could forge evidence can change them:
  kubectl get configmap rempart-evidence-keys -n rempart-system \
    -o go-template='{{range .data}}{{.}}{{end}}' > keys.pem

Exit codes: 0 all of it is valid and signed by a key that you trust, whatever the drill
came to; 1 some is not valid, and it is said which and why; 2 usage, or a file that
cannot be read; 3 valid as far as can be told, but the signer is none that you trust;
4 anything else, such as a store that does not answer.`
	examples = `  # One drill
  kubectl rempart verify evidence.json --key keys.pem

  # All that was downloaded, as a chain
  kubectl rempart verify ./evidence --key keys.pem

  # At the store
  kubectl rempart verify s3://actes-7f3k2/.rempart/evidence/…/evidence.json \
    --endpoint https://s3.gra.io.cloud.ovh.net --region gra --key keys.pem`
)

// command is the verb with its flags.
type command struct {
	env    *env.Environment
	open   OpenStore
	keys   []string
	at     Store
	format output.Format
}

// NewCommand makes the verb verify. Open is asked only for what is at a store.
func NewCommand(environment *env.Environment, open OpenStore) *cobra.Command {
	c := &command{env: environment, open: open}
	cmd := &cobra.Command{
		Use:     "verify FILE|FOLDER|s3://BUCKET/KEY…",
		Short:   "Verify the evidence of drills",
		Long:    long,
		Example: examples,
		Args:    cobra.MinimumNArgs(1),
		RunE:    env.Run(c.run),
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&c.keys, "key", nil, "file with public keys that you trust, in PEM; may be given several times")
	flags.StringVar(&c.at.Endpoint, "endpoint", "", "store of s3:// arguments; by default AWS_ENDPOINT_URL_S3")
	flags.StringVar(&c.at.Region, "region", "", "region of that store; by default AWS_REGION")
	c.format.AddFlag(flags)
	return cmd
}

func (c *command) run(cmd *cobra.Command, args []string) error {
	trusted, err := readKeys(c.keys)
	if err != nil {
		return env.Input(err)
	}
	files, err := c.find(args)
	if err != nil {
		return err
	}
	results := make([]evidence.Result, 0, len(files))
	for _, f := range files {
		result, err := verify(cmd.Context(), f, trusted)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	answer := reportOf(results, evidence.VerifyChain(results))
	if err := output.Write(c.env.Out, c.format, answer, answer.text); err != nil {
		return err
	}
	return env.Answer(answer.code())
}

func readKeys(files []string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		read, err := evidence.ParsePublicKeys(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		keys = append(keys, read...)
	}
	return keys, nil
}

// verify verifies one evidence. What keeps it from being read is an error, and so is
// a store that does not answer for the manifest: neither says anything about it.
func verify(ctx context.Context, f file, trusted []ed25519.PublicKey) (evidence.Result, error) {
	envelope, err := f.read(ctx)
	if err != nil {
		return evidence.Result{}, err
	}
	parts := &parts{file: f}
	result := evidence.Verify(f.name, envelope, trusted, parts.open(ctx))
	return result, errors.Join(parts.errs...)
}
