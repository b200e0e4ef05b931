// Package spec is the file that the mover command reads: one job, without
// Kubernetes. Its form is a contract, described in docs/mover.md.
//
// Start reading at Parse.
package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"

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
		return fmt.Errorf("line %d: %q is not a number of bytes such as 1048576 or 256Mi", node.Line, node.Value)
	}
	*s = Size(parsed)
	return nil
}

// Parse reads a spec and checks it. Unknown fields are mistakes.
func Parse(document []byte) (Spec, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	decoder.KnownFields(true)
	var spec Spec
	if err := decoder.Decode(&spec); err != nil {
		if errors.Is(err, io.EOF) {
			return Spec{}, errors.New("the spec is empty")
		}
		return Spec{}, err
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return Spec{}, errors.New("the spec must be one YAML document")
	}
	return spec, spec.validate()
}

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
	)
}

// notItself refuses a copy of a bucket into itself, where every run would find
// the objects of the run before.
func (s Spec) notItself() error {
	if s.Source.Endpoint == s.Target.Endpoint && s.Source.Bucket == s.Target.Bucket && s.Source.Bucket != "" {
		return fmt.Errorf("target: is the bucket %q of the source", s.Target.Bucket)
	}
	return nil
}

func (e End) validate(name string) error {
	var errs []error
	if err := provider.CheckEndpoint(e.Endpoint); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	if e.Bucket == "" {
		errs = append(errs, fmt.Errorf("%s.bucket: is missing", name))
	}
	if err := oneOf(name+".addressingStyle", e.AddressingStyle, "Path", "Virtual"); err != nil {
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

func (l Limits) validate() error {
	if l.Workers < 0 || l.RequestsPerSecond < 0 {
		return errors.New("limits: must not be negative")
	}
	if l.Workers > 4096 {
		return errors.New("limits.workers: must be at most 4096")
	}
	return nil
}

func oneOf(field, value string, allowed ...string) error {
	if value == "" {
		return nil
	}
	for _, candidate := range allowed {
		if value == candidate {
			return nil
		}
	}
	return fmt.Errorf("%s: %q is not supported, only %q", field, value, allowed)
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
		Deletes:       mover.Deletes(s.Deletes),
		Guard:         guard,
		Verification:  mover.Verification(s.Verification),
		Range:         manifest.Range{After: s.KeyRange.After, Until: s.KeyRange.Until},
		Workers:       s.Limits.Workers,
		BytesInFlight: int64(s.Limits.BytesInFlight),
	}
}
