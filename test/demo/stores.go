package main

import (
	"context"
	"fmt"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/outscale"
	"github.com/rempart/rempart/test/emulator/ovh"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// standIn is what stands in for the store of a provider: a real S3 server, and
// for a vendor its API and its own way of serving S3 in front of it.
type standIn struct {
	provider string
	operator string
	server   *harness.S3Server
	// front puts the vendor in front of the server.
	front func(*standIn, context.Context) error
	// api is where the vendor's API is; empty where there is none.
	api string
	// point leads a provider of the samples here, and gives its credentials.
	point func(*v1alpha1.SovereignProviderSpec) map[string]string
	close func()
}

// startStores starts a stand-in for each provider of the samples.
func (d *demo) startStores(ctx context.Context) error {
	if err := d.haveTools(ctx, toolbox.VersityGW); err != nil {
		return err
	}
	for _, s := range []*standIn{
		{provider: "onprem", operator: "the authority's own data centre", front: (*standIn).plain},
		{provider: "ovhcloud", operator: "OVHcloud", front: (*standIn).ovhcloud},
		{provider: "outscale", operator: "Outscale", front: (*standIn).outscale},
	} {
		if err := d.startStore(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) startStore(ctx context.Context, s *standIn) error {
	busy := d.busy("starting the store of " + s.operator)
	server, err := harness.StartVersity(ctx, harness.VersityOptions{Versioning: true, Output: d.out})
	busy.done()
	if err != nil {
		return err
	}
	d.atEnd(server.Stop)
	s.server = server
	if err := s.front(s, ctx); err != nil {
		return fmt.Errorf("put %s in front of its store: %w", s.operator, err)
	}
	if s.close != nil {
		d.atEnd(s.close)
	}
	d.stores = append(d.stores, s)
	if s.api == "" {
		d.say("%-9s %s at %s", s.provider, s.operator, server.Endpoint)
		return nil
	}
	d.say("%-9s %s, its API at %s", s.provider, s.operator, s.api)
	return nil
}

// plain is a store of one's own, which speaks S3 and nothing else.
func (s *standIn) plain(context.Context) error {
	s.point = func(spec *v1alpha1.SovereignProviderSpec) map[string]string {
		spec.S3.Endpoint, spec.S3.Region = s.server.Endpoint, s.server.Region
		spec.S3.CredentialAPI = string(provider.VersityCredentialAPI)
		return map[string]string{provider.AccessKey: s.server.AccessKey, provider.SecretKey: s.server.SecretKey}
	}
	return nil
}

// ovhcloud puts the API of OVHcloud in front of the server, with the regions that
// it has, those outside the perimeter too, so that a byte sent there would be found.
func (s *standIn) ovhcloud(ctx context.Context) error {
	vendor, err := ovh.New(ctx, ovh.Options{Backend: s.backend()})
	if err != nil {
		return err
	}
	s.api, s.close = vendor.URL, vendor.Close
	s.point = func(spec *v1alpha1.SovereignProviderSpec) map[string]string {
		spec.OVHcloud.Endpoint, spec.OVHcloud.ProjectID = vendor.URL, vendor.Project
		return map[string]string{
			provider.ApplicationKey: vendor.ApplicationKey, provider.ApplicationSecret: vendor.ApplicationSecret,
			provider.ConsumerKey: vendor.ConsumerKey,
		}
	}
	return nil
}

// outscale puts the API of Outscale in front of the server.
func (s *standIn) outscale(ctx context.Context) error {
	vendor, err := outscale.New(ctx, outscale.Options{Backend: s.backend()})
	if err != nil {
		return err
	}
	s.api, s.close = vendor.URL, vendor.Close
	s.point = func(spec *v1alpha1.SovereignProviderSpec) map[string]string {
		spec.Outscale.Region = vendor.Region
		spec.Outscale.Endpoints = v1alpha1.OutscaleEndpoints{API: vendor.URL, OOS: vendor.OOS}
		return map[string]string{provider.AccessKey: vendor.AccessKey, provider.SecretKey: vendor.SecretKey}
	}
	return nil
}

func (s *standIn) backend() dataplane.Backend {
	return dataplane.Backend{
		Endpoint: s.server.Endpoint, AccessKey: s.server.AccessKey, SecretKey: s.server.SecretKey, Region: s.server.Region,
	}
}
