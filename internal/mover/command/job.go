package command

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/spec"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/breaker"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/throttle"
	"github.com/rempart/rempart/internal/secret"
)

// job makes the job that the spec describes. The error names everything that is
// wrong with it.
func (r *run) job() (mover.Job, error) {
	source, sourceErr := r.end("source", r.spec.Source)
	target, targetErr := r.end("target", r.spec.Target)
	err := errors.Join(sourceErr, targetErr,
		checkWritable("checkpoint", r.spec.Checkpoint), checkWritable("manifest", r.spec.Manifest))
	if err != nil {
		return mover.Job{}, err
	}
	options := r.spec.Options()
	options.Now = r.Now
	r.LimitMemory(cmp.Or(options.BytesInFlight, mover.DefaultBytesInFlight) + restOfMemory)
	if r.spec.Checkpoint != "" {
		options.SaveCheckpoint = r.saveCheckpoint
	}
	return mover.Job{Source: source, Target: target, Options: options}, nil
}

// restOfMemory is what a run takes besides contents, with room for contents that
// are of no use any more and not collected yet.
const restOfMemory = 96 << 20

// end opens one end. Each is an account of its own with limits of its own.
func (r *run) end(name string, e spec.End) (mover.End, error) {
	credentials, credentialsErr := r.credentials(name, e.Credentials)
	bundle, bundleErr := readBundle(name, e.CAFile)
	if err := errors.Join(credentialsErr, bundleErr); err != nil {
		return mover.End{}, err
	}
	session, err := r.Open(provider.Place{
		Provider: name, Location: hostOf(e.Endpoint), Endpoint: e.Endpoint, Region: e.Region,
		Addressing: provider.Addressing(e.AddressingStyle), CABundle: bundle,
	}, credentials)
	if err != nil {
		return mover.End{}, err // it names the place
	}
	counter := &mover.Counter{}
	limits := throttle.NewAccount(throttle.Limits{
		RequestsPerSecond: float64(r.spec.Limits.RequestsPerSecond), BytesPerSecond: int64(r.spec.Limits.BytesPerSecond),
	})
	// From the outside to the inside; each single try is counted.
	session = provider.Intercept(session, retry.New(retry.Options{}), breaker.New().Intercept, limits.Intercept, counter.Intercept)
	return mover.End{Session: limits.Bytes(session), Bucket: e.Bucket, Prefix: e.Prefix, Requests: counter}, nil
}

func (r *run) credentials(end string, names spec.Credentials) (provider.Credentials, error) {
	var errs []error
	read := func(field, variable string) secret.Text {
		value, _ := r.LookupEnv(variable)
		if value == "" {
			errs = append(errs, fmt.Errorf("%s.credentials.%s: the environment variable %s is not set", end, field, variable))
		}
		return secret.New(value)
	}
	credentials := provider.Credentials{
		provider.AccessKey: read("accessKeyEnv", names.AccessKeyEnv),
		provider.SecretKey: read("secretKeyEnv", names.SecretKeyEnv),
	}
	return credentials, errors.Join(errs...)
}

func readBundle(end, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	bundle, err := os.ReadFile(file) //nolint:gosec // the spec names it for this
	if err != nil {
		return nil, fmt.Errorf("%s.caFile: %w", end, err)
	}
	return bundle, nil
}

func hostOf(endpoint string) string {
	parsed, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	return parsed.Host
}
