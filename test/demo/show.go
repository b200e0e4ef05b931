package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/keyring"
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

// verify takes the evidence from a store, and the public keys from the cluster, and
// verifies it with nothing else.
func (d *demo) verify(ctx context.Context) error {
	folder := cmp.Or(d.evidence, filepath.Join(d.dir, "evidence"))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var drill v1alpha1.ReversibilityDrill
	if err := d.client.Get(ctx, client.ObjectKey{Namespace: "etat-civil", Name: "demo"}, &drill); err != nil {
		return err
	}
	if err := d.download(ctx, path.Dir(strings.TrimPrefix(drill.Status.Evidence.URIs[0], "s3://")), folder); err != nil {
		return err
	}
	var published corev1.ConfigMap
	if err := d.client.Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: keyring.ConfigMapName}, &published); err != nil {
		return err
	}
	keys := strings.Join(slices.Sorted(maps.Values(published.Data)), "")
	file := filepath.Join(folder, "keys.pem")
	if err := os.WriteFile(file, []byte(keys), 0o644); err != nil {
		return err
	}
	return d.plugin(ctx, "verify", folder, "--key", file)
}

// download writes what is below a prefix into a folder; from is bucket/prefix.
func (d *demo) download(ctx context.Context, from, folder string) error {
	bucket, prefix, _ := strings.Cut(from, "/")
	for _, store := range d.stores {
		session, err := store.open()
		if err != nil {
			return err
		}
		state, err := session.ObserveBucket(ctx, bucket)
		if err != nil || !state.Exists {
			continue
		}
		for object, err := range provider.List(ctx, session, bucket, provider.ListOptions{Prefix: prefix + "/"}) {
			if err != nil {
				return err
			}
			if err := save(ctx, session, provider.Ref{Bucket: bucket, Key: object.Key}, folder); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no store has the bucket %s", bucket)
}

func save(ctx context.Context, session provider.Session, ref provider.Ref, folder string) error {
	body, _, err := session.Get(ctx, ref, provider.GetOptions{})
	if err != nil {
		return err
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, path.Base(ref.Key)), content, 0o644)
}

// open opens the store with its own key, as its administrator may.
func (s *standIn) open() (provider.Session, error) {
	return s3.Driver{}.Open(provider.Place{
		Provider: s.provider, Location: "stand-in", Endpoint: s.server.Endpoint, Region: s.server.Region, Addressing: provider.PathStyle,
	}, provider.Credentials{
		provider.AccessKey: secret.New(s.server.AccessKey), provider.SecretKey: secret.New(s.server.SecretKey),
	})
}
