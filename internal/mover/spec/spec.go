// Package spec is the file that the mover command reads: one job, without
// Kubernetes. Its form is a contract, described in docs/mover.md.
//
// Start reading at Parse.
package spec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"go.yaml.in/yaml/v3"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// Spec is one job.
type Spec struct {
	Source        End           `yaml:"source"`
	Target        End           `yaml:"target"`
	Versions      string        `yaml:"versions"`
	Deletes       string        `yaml:"deletes"`
	Fidelity      string        `yaml:"fidelity"`
	DeletionGuard DeletionGuard `yaml:"deletionGuard"`
	Verification  string        `yaml:"verification"`
	KeyRange      KeyRange      `yaml:"keyRange"`
	Limits        Limits        `yaml:"limits"`
	// Checkpoint is the file that lets a stopped run go on; empty for none.
	Checkpoint string `yaml:"checkpoint"`
	// Manifest is the file that the manifest is written to, one JSON line for each
	// object; empty for none.
	Manifest string `yaml:"manifest"`
}

// End is a prefix of a bucket at an endpoint.
type End struct {
	Endpoint        string      `yaml:"endpoint"`
	Region          string      `yaml:"region"`
	Bucket          string      `yaml:"bucket"`
	Prefix          string      `yaml:"prefix"`
	AddressingStyle string      `yaml:"addressingStyle"`
	CAFile          string      `yaml:"caFile"`
	Credentials     Credentials `yaml:"credentials"`
}

// Credentials name the environment variables that hold a key pair.
type Credentials struct {
	AccessKeyEnv string `yaml:"accessKeyEnv"`
	SecretKeyEnv string `yaml:"secretKeyEnv"`
}

// DeletionGuard bounds what a run may delete.
type DeletionGuard struct {
	MaximumObjects *int64 `yaml:"maximumObjects"`
	MaximumPercent *int64 `yaml:"maximumPercent"`
	Approved       string `yaml:"approved"`
}

// KeyRange is the part of the key space that a run covers.
type KeyRange struct {
	After string `yaml:"after"`
	Until string `yaml:"until"`
}

// Limits bound a run; 0 lets it choose.
type Limits struct {
	Workers           int  `yaml:"workers"`
	BytesInFlight     Size `yaml:"bytesInFlight"`
	BytesPerSecond    Size `yaml:"bytesPerSecond"`
	RequestsPerSecond int  `yaml:"requestsPerSecond"`
}

// Size is a number of bytes, written as a number or as 256Mi.
type Size int64

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	parsed, err := humanize.ParseBytes(node.Value)
	if err != nil || parsed > 1<<62 {
		// In this form it is named beside all other mistakes.
		return &yaml.TypeError{Errors: []string{
			fmt.Sprintf("line %d: %q is not a number of bytes such as 1048576 or 256Mi", node.Line, node.Value),
		}}
	}
	*s = Size(parsed)
	return nil
}

// Parse reads a spec and checks it. The error names every mistake, each in a line;
// unknown fields are mistakes. The spec is given as far as it could be read.
func Parse(document []byte) (Spec, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	decoder.KnownFields(true)
	var spec Spec
	err := decoder.Decode(&spec)
	mistakes, isReadable := errors.AsType[*yaml.TypeError](err)
	switch {
	case errors.Is(err, io.EOF):
		return Spec{}, errors.New("the spec is empty")
	case err != nil && !isReadable:
		return Spec{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return Spec{}, errors.New("the spec must be one YAML document")
	}
	var errs []error
	if isReadable {
		for _, mistake := range mistakes.Errors {
			errs = append(errs, errors.New(unknownField.ReplaceAllString(mistake, "unknown field $1")))
		}
		if spec == (Spec{}) {
			return spec, errors.Join(errs...) // nothing was read that could be judged
		}
	}
	return spec, errors.Join(append(errs, spec.validate())...)
}

// unknownField is how package yaml says it, with the name of a Go type.
var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

func (s Spec) validate() error {
	return errors.Join(
		s.Source.validate("source"),
		s.Target.validate("target"),
		s.notItself(),
		oneOf("versions", s.Versions, "Current"),
		oneOf("deletes", s.Deletes, string(mover.PropagateDeletes), string(mover.IgnoreDeletes)),
		oneOf("fidelity", s.Fidelity, "Report"),
		oneOf("verification", s.Verification, string(mover.VerifyTransferred), string(mover.VerifyFull), string(mover.VerifyNone)),
		s.DeletionGuard.validate(),
		s.KeyRange.validate(),
		s.Limits.validate(),
		s.validateFiles(),
	)
}

// notItself refuses a copy of a bucket into itself, where every run would find
// the objects of the run before.
func (s Spec) notItself() error {
	if s.Source.Bucket != "" && s.Source.Bucket == s.Target.Bucket && host(s.Source.Endpoint) == host(s.Target.Endpoint) {
		return fmt.Errorf("target: is the bucket %q of the source", s.Target.Bucket)
	}
	return nil
}

// host gives what an endpoint connects to, in one form.
func host(endpoint string) string {
	parsed, err := url.Parse(strings.ToLower(endpoint))
	if err != nil {
		return endpoint
	}
	usual := map[string]string{"http": "80", "https": "443"}
	return net.JoinHostPort(parsed.Hostname(), cmp.Or(parsed.Port(), usual[parsed.Scheme]))
}

// bucketName is what any store may have for one.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9._-]{3,63}$`)

func (e End) validate(name string) error {
	var errs []error
	if err := provider.CheckEndpoint(e.Endpoint); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	switch {
	case e.Bucket == "":
		errs = append(errs, fmt.Errorf("%s.bucket: is missing", name))
	case !bucketName.MatchString(e.Bucket):
		errs = append(errs, fmt.Errorf("%s.bucket: %q cannot be a bucket's name", name, e.Bucket))
	}
	if strings.HasPrefix(e.Prefix, provider.ReservedPrefix) {
		errs = append(errs, fmt.Errorf("%s.prefix: %q is under %q, which Rempart keeps for itself", name, e.Prefix, provider.ReservedPrefix))
	}
	if err := oneOf(name+".addressingStyle", e.AddressingStyle, string(provider.PathStyle), string(provider.VirtualStyle)); err != nil {
		errs = append(errs, err)
	}
	if e.Credentials.AccessKeyEnv == "" || e.Credentials.SecretKeyEnv == "" {
		errs = append(errs, fmt.Errorf("%s.credentials: accessKeyEnv and secretKeyEnv name the environment variables that hold the key pair", name))
	}
	return errors.Join(errs...)
}

func (g DeletionGuard) validate() error {
	var errs []error
	if g.MaximumObjects != nil && *g.MaximumObjects < 0 {
		errs = append(errs, errors.New("deletionGuard.maximumObjects: must not be negative"))
	}
	if g.MaximumPercent != nil && (*g.MaximumPercent < 0 || *g.MaximumPercent > 100) {
		errs = append(errs, errors.New("deletionGuard.maximumPercent: must be from 0 to 100"))
	}
	return errors.Join(errs...)
}

func (k KeyRange) validate() error {
	if k.Until != "" && k.After >= k.Until {
		return fmt.Errorf("keyRange: no key is after %q and not after %q", k.After, k.Until)
	}
	return nil
}

// maximumWorkers is more than any machine has use for.
const maximumWorkers = 4096

func (l Limits) validate() error {
	var errs []error
	if l.Workers < 0 || l.Workers > maximumWorkers {
		errs = append(errs, fmt.Errorf("limits.workers: must be from 0 to %d", maximumWorkers))
	}
	if l.RequestsPerSecond < 0 {
		errs = append(errs, errors.New("limits.requestsPerSecond: must not be negative"))
	}
	return errors.Join(errs...)
}

func (s Spec) validateFiles() error {
	if s.Checkpoint != "" && s.Checkpoint == s.Manifest {
		return fmt.Errorf("manifest: %q is the file of the checkpoint", s.Manifest)
	}
	return nil
}

func oneOf(field, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is not supported, only %s", field, value, strings.Join(allowed, ", "))
}

// Options gives the options of the run that the spec asks for.
func (s Spec) Options() mover.Options {
	guard := mover.Guard{
		MaximumObjects: mover.DefaultMaximumObjects,
		MaximumPercent: mover.DefaultMaximumPercent,
		Approved:       s.DeletionGuard.Approved,
	}
	if s.DeletionGuard.MaximumObjects != nil {
		guard.MaximumObjects = *s.DeletionGuard.MaximumObjects
	}
	if s.DeletionGuard.MaximumPercent != nil {
		guard.MaximumPercent = *s.DeletionGuard.MaximumPercent
	}
	return mover.Options{
		// Who removes from the target what the source lacks has it to themselves.
		OwnsTarget:    s.Deletes != string(mover.IgnoreDeletes),
		Deletes:       mover.Deletes(s.Deletes),
		Guard:         guard,
		Verification:  mover.Verification(s.Verification),
		Range:         manifest.Range{After: s.KeyRange.After, Until: s.KeyRange.Until},
		Workers:       s.Limits.Workers,
		BytesInFlight: int64(s.Limits.BytesInFlight),
	}
}
