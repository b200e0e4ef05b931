package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
)

// explain shows every candidate with every objection, those outside the Union
// too.
func (d *demo) explain(ctx context.Context) error {
	return d.plugin(ctx, "explain", "bucket", "actes", "-n", "etat-civil")
}

// drill has the dataset leave OVHcloud, and follows it.
func (d *demo) drill(ctx context.Context) error {
	err := d.plugin(ctx, "drill", "actes", "-n", "etat-civil", "--from", "ovhcloud", "--to", "outscale", "--name", "demo", "--wait")
	if exit, isExit := errors.AsType[*exec.ExitError](err); isExit {
		return fmt.Errorf("the drill did not pass: the verdict's exit code is %d", exit.ExitCode())
	}
	return err
}

// show shows the table of buckets, and where the evidence is.
func (d *demo) show(ctx context.Context) error {
	if err := d.plugin(ctx, "status", "-A"); err != nil {
		return err
	}
	var drill v1alpha1.ReversibilityDrill
	if err := d.client.Get(ctx, client.ObjectKey{Namespace: "etat-civil", Name: "demo"}, &drill); err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	evidence := drill.Status.Evidence
	if evidence == nil || len(evidence.URIs) != 2 {
		return fmt.Errorf("the drill left its evidence at %+v, it should be at two operators", evidence)
	}
	for _, uri := range evidence.URIs {
		digest, err := d.showEvidence(ctx, uri)
		if err != nil {
			return err
		}
		if digest != evidence.Digest {
			return fmt.Errorf("the evidence %s has the digest %s, not %s as the drill says", uri, digest, evidence.Digest)
		}
	}
	d.say("both are the same file: %s", evidence.Digest)
	return nil
}

// showEvidence reads the evidence back from where it is stored, and gives its
// digest.
func (d *demo) showEvidence(ctx context.Context, uri string) (string, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	for _, store := range d.stores {
		session, err := store.open()
		if err != nil {
			return "", err
		}
		body, object, err := session.Get(ctx, provider.Ref{Bucket: bucket, Key: key}, provider.GetOptions{})
		if errors.Is(err, provider.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		defer body.Close()
		hash := sha256.New()
		if _, err := io.Copy(hash, body); err != nil {
			return "", err
		}
		d.say("evidence at %-9s %s (%s)", store.provider+":", uri, humanBytes(object.Size))
		return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
	}
	return "", fmt.Errorf("the evidence %s is at no store", uri)
}

// open opens the store with its own key, as its administrator may.
func (s *standIn) open() (provider.Session, error) {
	return s3.Driver{}.Open(provider.Place{
		Provider: s.provider, Location: "stand-in", Endpoint: s.server.Endpoint, Region: s.server.Region, Addressing: provider.PathStyle,
	}, provider.Credentials{
		provider.AccessKey: secret.New(s.server.AccessKey), provider.SecretKey: secret.New(s.server.SecretKey),
	})
}
