// Package controllers is the list of all reconcilers.
package controllers

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/controllers/access"
	"github.com/rempart/rempart/controllers/bucket"
	"github.com/rempart/rempart/controllers/certificate"
	"github.com/rempart/rempart/controllers/drill"
	"github.com/rempart/rempart/controllers/exception"
	"github.com/rempart/rempart/controllers/node"
	"github.com/rempart/rempart/controllers/policy"
	"github.com/rempart/rempart/controllers/provider"
	"github.com/rempart/rempart/controllers/replica"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/keyring"
	"github.com/rempart/rempart/internal/notification"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/rollcall"
	"github.com/rempart/rempart/internal/session"
	"github.com/rempart/rempart/internal/work"
)

// Deps are what the reconcilers share.
type Deps struct {
	Clock        clock.PassiveClock
	Sessions     *session.Opener
	Installation ownership.Installation
	// Namespace is the operator's own.
	Namespace string
	// MayRead tells why the operator may not read a bucket's data where it stands.
	MayRead    func(ctx context.Context, facts gather.Facts) error
	Registerer prometheus.Registerer
	Version    string
	// Notifications keeps what stores tell of changed objects, and Waker wakes the copies
	// that it concerns.
	Notifications *notification.Queue
	Waker         *work.Waker
	// ServesEvents tells whether the operator has an endpoint for notifications.
	ServesEvents bool
	// Certificate is what the webhook's certificate needs, and Client and Clock of it
	// are filled in; nil where no webhook is served.
	Certificate *certificate.Config
}

// Setup has the manager run all reconcilers.
func Setup(ctx context.Context, mgr ctrl.Manager, deps Deps) error {
	if err := gather.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	client := mgr.GetClient()
	register := rollcall.New(deps.Clock)
	reconcilers := map[string]interface{ SetupWithManager(ctrl.Manager) error }{
		"provider": provider.NewReconciler(provider.Config{
			Client: client, Recorder: mgr.GetEventRecorder("provider"), Clock: deps.Clock,
			Sessions: deps.Sessions, Installation: deps.Installation, Register: register,
			Metrics: provider.NewMetrics(deps.Registerer), Namespace: deps.Namespace, ServesEvents: deps.ServesEvents,
		}),
		"policy": policy.NewReconciler(policy.Config{
			Client: client, Recorder: mgr.GetEventRecorder("policy"), Clock: deps.Clock,
		}),
		"bucket": bucket.NewReconciler(bucket.Config{
			Client: client, Recorder: mgr.GetEventRecorder("bucket"), Clock: deps.Clock,
			Sessions: deps.Sessions, Installation: deps.Installation, Register: register, Metrics: bucket.NewMetrics(deps.Registerer),
		}),
		"access": access.NewReconciler(access.Config{
			Client: client, Reader: mgr.GetAPIReader(), Recorder: mgr.GetEventRecorder("access"), Clock: deps.Clock,
			Sessions: deps.Sessions, Installation: deps.Installation, Namespace: deps.Namespace,
			Metrics: access.NewMetrics(deps.Registerer),
		}),
		"replica": replica.NewReconciler(replica.Config{
			Client: client, Recorder: mgr.GetEventRecorder("replica"), Clock: deps.Clock,
			Sessions: deps.Sessions, Installation: deps.Installation, Register: register, MayRead: deps.MayRead,
			Metrics: replica.NewMetrics(deps.Registerer), Notifications: deps.Notifications, Waker: deps.Waker,
		}),
		"drill": drill.NewReconciler(drill.Config{
			Client: client, Recorder: mgr.GetEventRecorder("drill"), Clock: deps.Clock,
			Sessions: deps.Sessions, Installation: deps.Installation, MayRead: deps.MayRead,
			Signer:  keyring.Keyring{Reader: mgr.GetAPIReader(), Writer: client, Namespace: deps.Namespace}.Key,
			Version: deps.Version, Metrics: drill.NewMetrics(deps.Registerer),
		}),
		"exception": exception.NewReconciler(exception.Config{
			Client: client, Recorder: mgr.GetEventRecorder("exception"), Clock: deps.Clock,
			Metrics: exception.NewMetrics(deps.Registerer),
		}),
		"node": node.NewReconciler(node.Config{
			Client: client, Recorder: mgr.GetEventRecorder("node"), Clock: deps.Clock, Accounts: deps.Sessions,
			Metrics: node.NewMetrics(deps.Registerer),
		}),
	}
	if served := deps.Certificate; served != nil {
		served.Client, served.Clock = client, deps.Clock
		reconcilers["certificate"] = certificate.NewReconciler(*served)
	}
	for name, reconciler := range reconcilers {
		if err := reconciler.SetupWithManager(mgr); err != nil {
			return fmt.Errorf("set up the %s reconciler: %w", name, err)
		}
	}
	return nil
}
