package main

import (
	"context"

	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// standIn is an S3 server that stands in for the store of a provider.
type standIn struct {
	provider string
	operator string
	server   *harness.S3Server
}

// startStores starts a real S3 server for each provider of the samples.
func (d *demo) startStores(ctx context.Context) error {
	if err := d.haveTools(ctx, toolbox.VersityGW); err != nil {
		return err
	}
	for _, s := range []*standIn{
		{provider: "onprem", operator: "the authority's own data centre"},
		{provider: "ovhcloud", operator: "OVHcloud"},
		{provider: "outscale", operator: "Outscale"},
	} {
		busy := d.busy("starting the store of " + s.operator)
		server, err := harness.StartVersity(ctx, harness.VersityOptions{Versioning: true, Output: d.out})
		busy.done()
		if err != nil {
			return err
		}
		d.atEnd(server.Stop)
		s.server = server
		d.stores = append(d.stores, s)
		d.say("%-9s %s at %s", s.provider, s.operator, server.Endpoint)
	}
	return nil
}
