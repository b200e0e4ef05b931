// Package app puts the programs together: it is the only place that knows every
// concrete thing, and the only one that reads flags and the environment.
//
// Start reading at RunManager and NewCLI; the programs that run without
// Kubernetes are in package standalone.
package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/controllers"
	"github.com/rempart/rempart/internal/notification"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/instrument"
	"github.com/rempart/rempart/internal/provider/outscale"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/session"
	"github.com/rempart/rempart/internal/standing"
	"github.com/rempart/rempart/internal/work"
)

// ManagerOptions are the settings of the operator.
type ManagerOptions struct {
	// Namespace is the operator's own.
	Namespace string
	// InstallationID tells installations on one account apart. It is kept over a
	// reinstallation.
	InstallationID string
	// Self is where the operator stands, as provider/location; empty asks the Node.
	Self string
	// NodeName is the Node that the operator runs on.
	NodeName string
	// AllowInsecureEndpoints lets http endpoints through.
	AllowInsecureEndpoints bool
	LeaderElection         bool
	// MetricsAddress and ProbeAddress are listened on; 0 turns them off.
	MetricsAddress string
	// MetricsSecure serves metrics over TLS to those whom the cluster allows.
	MetricsSecure bool
	ProbeAddress  string
	// Events takes the notifications of stores; the zero value turns that off.
	Events EventsOptions
	// Webhook judges objects as they are written; the zero value turns it off.
	Webhook WebhookOptions
	Version string
	// Registerer takes the metrics; nil is the one that is served.
	Registerer prometheus.Registerer
	// Around is put innermost around every session; tests inject faults there.
	Around provider.Interceptor
	// WrapClient is put around the client of the reconcilers; tests inject faults
	// there.
	WrapClient func(client.Client) client.Client
	// Clock tells the reconcilers the time; nil is the real one.
	Clock clock.PassiveClock
	// SkipNameValidation lets several managers run in one process.
	SkipNameValidation bool
}

// Scheme knows the kinds that the operator works with.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// RunManager runs the operator with the given arguments until the context ends.
func RunManager(ctx context.Context, args []string, version string) error {
	options := ManagerOptions{Version: version}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.StringVar(&options.Namespace, "namespace", os.Getenv("POD_NAMESPACE"), "the operator's own namespace")
	flags.StringVar(&options.InstallationID, "installation-id", "", "tells installations on one account apart; keep it over a reinstallation")
	flags.StringVar(&options.Self, "self", "", "where the operator stands, as provider/location; by default what the labels of its Node say")
	flags.StringVar(&options.NodeName, "node-name", os.Getenv("NODE_NAME"), "the Node that the operator runs on")
	flags.BoolVar(&options.AllowInsecureEndpoints, "allow-insecure-endpoints", false, "let http endpoints through, for demos and tests")
	flags.BoolVar(&options.LeaderElection, "leader-elect", true, "let one of several replicas of the operator work at a time")
	flags.StringVar(&options.MetricsAddress, "metrics-bind-address", ":8443", "where metrics are served; 0 turns them off")
	flags.BoolVar(&options.MetricsSecure, "metrics-secure", true, "serve metrics over TLS to those whom the cluster allows to read them")
	flags.StringVar(&options.ProbeAddress, "health-probe-bind-address", ":8081", "where health and readiness are served; 0 turns them off")
	flags.IntVar(&options.Webhook.Port, "webhook-port", 0, "where objects are judged as they are written; 0 turns that off")
	flags.StringVar(&options.Webhook.Service, "webhook-service", "rempart-webhook", "the Service through which the API server reaches the webhook")
	flags.StringVar(&options.Webhook.Configuration, "webhook-configuration", "rempart",
		"the ValidatingWebhookConfiguration that is to trust the webhook's certificate")
	flags.StringVar(&options.Events.Address, "events-bind-address", "0", "where notifications of stores about changed objects are taken; 0 turns that off")
	flags.StringVar(&options.Events.CertificateFile, "events-tls-cert-file", "", "certificate with which notifications are taken over TLS; by default they are taken over http")
	flags.StringVar(&options.Events.KeyFile, "events-tls-key-file", "", "key of that certificate")
	logging := zap.Options{}
	logging.BindFlags(flags)
	config := flags.String("kubeconfig", os.Getenv("KUBECONFIG"), "how to reach the cluster; by default as a pod of it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctrl.SetLogger(NewLogger(zap.UseFlagOptions(&logging)))
	restConfig, err := restConfigFor(*config)
	if err != nil {
		return err
	}
	mgr, err := NewManager(ctx, restConfig, options)
	if err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// NewManager puts the operator together. It starts nothing.
func NewManager(ctx context.Context, restConfig *rest.Config, options ManagerOptions) (ctrl.Manager, error) {
	if options.Namespace == "" {
		return nil, errors.New("--namespace, or the environment variable POD_NAMESPACE, must name the operator's own namespace")
	}
	if options.InstallationID == "" {
		return nil, errors.New("--installation-id must be set: it is part of the name of every bucket")
	}
	if options.Self != "" {
		if _, err := standing.ParseSelf(options.Self); err != nil {
			return nil, fmt.Errorf("--self: %w", err)
		}
	}
	registerer := options.Registerer
	if registerer == nil {
		registerer = metrics.Registry
	}
	now := options.Clock
	if now == nil {
		now = clock.RealClock{}
	}
	installation, err := loadInstallation(ctx, restConfig, options.Namespace, options.InstallationID)
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(restConfig, managerOptions(options))
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	requests, err := instrument.New(registerer)
	if err != nil {
		return nil, fmt.Errorf("register the metrics of requests: %w", err)
	}
	accounts := &accounts{requests: requests, around: options.Around}
	opener := session.New(session.Config{
		Reader: mgr.GetClient(), Namespace: options.Namespace,
		Drivers: provider.NewRegistry(ovh.New(ovh.Options{}), outscale.Driver{}, s3.Driver{}), NewAccount: accounts.open,
		Installation: installation.ID, FingerprintKey: installation.Key, AllowInsecureEndpoints: options.AllowInsecureEndpoints,
	})
	ground := &standing.Ground{
		Self: options.Self, NodeName: options.NodeName, Reader: mgr.GetClient(),
	}
	if err := addChecks(mgr); err != nil {
		return nil, err
	}
	notifications, waker := notification.NewQueue(), &work.Waker{}
	if err := options.Events.addTo(mgr, notification.Config{
		Book: notification.Directory{Reader: mgr.GetClient(), Namespace: options.Namespace}, Queue: notifications, Wake: waker.Wake,
		IsLeading: isElected(mgr), Now: now.Now, Registerer: registerer,
	}); err != nil {
		return nil, err
	}
	served, err := options.Webhook.addTo(mgr, options.Namespace, now)
	if err != nil {
		return nil, err
	}
	return mgr, controllers.Setup(ctx, mgr, controllers.Deps{
		Clock: now, Sessions: opener, Installation: installation, Namespace: options.Namespace,
		MayRead: ground.MayRead, Registerer: registerer, Version: options.Version, Certificate: served,
		Notifications: notifications, Waker: waker, ServesEvents: options.Events.isOn(),
	})
}

func managerOptions(options ManagerOptions) ctrl.Options {
	grace := 30 * time.Second
	metricsOptions := metricsserver.Options{BindAddress: options.MetricsAddress, SecureServing: options.MetricsSecure}
	if options.MetricsSecure {
		metricsOptions.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	own := map[string]cache.Config{options.Namespace: {}}
	result := ctrl.Options{
		Scheme:                        Scheme(),
		Metrics:                       metricsOptions,
		HealthProbeBindAddress:        options.ProbeAddress,
		LeaderElection:                options.LeaderElection,
		LeaderElectionID:              "rempart." + v1alpha1.GroupVersion.Group,
		LeaderElectionNamespace:       options.Namespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &grace,
		// The operator reads Secrets and ConfigMaps of its own namespace only, and
		// has no right to any others.
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}:    {Namespaces: own},
			&corev1.ConfigMap{}: {Namespaces: own},
			&corev1.Node{}:      {Transform: withoutStatus},
		}},
	}
	result.Controller.SkipNameValidation = &options.SkipNameValidation
	options.Webhook.adjust(&result)
	if options.WrapClient != nil {
		result.NewClient = func(config *rest.Config, clientOptions client.Options) (client.Client, error) {
			made, err := client.New(config, clientOptions)
			if err != nil {
				return nil, err
			}
			return options.WrapClient(made), nil
		}
	}
	return result
}

// withoutStatus leaves out of Nodes what the operator does not read: the images on
// each are most of it.
func withoutStatus(object any) (any, error) {
	if node, isNode := object.(*corev1.Node); isNode {
		node.Status, node.ManagedFields = corev1.NodeStatus{}, nil
	}
	return object, nil
}

// addChecks says that the operator is alive as long as it answers, and ready once
// it has read the cluster.
func addChecks(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add the health check: %w", err)
	}
	ready := func(request *http.Request) error {
		if !mgr.GetCache().WaitForCacheSync(request.Context()) {
			return errors.New("the cluster is not read yet")
		}
		return nil
	}
	if err := mgr.AddReadyzCheck("cache", ready); err != nil {
		return fmt.Errorf("add the readiness check: %w", err)
	}
	return nil
}
