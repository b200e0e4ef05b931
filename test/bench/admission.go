package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// What is judged: a bucket that names two places, among sixty places of twenty
// providers, under one policy and four baselines.
const (
	admissionProviders = 20
	admissionLocations = 3
	admissionBaselines = 4
	admissionRequests  = 300
	// judgedLabel marks the namespace whose objects the webhook is asked about.
	judgedLabel = "bench.rempart.dev/judged"
)

// admissionAbout says in the page what the figures below it are of.
const admissionAbout = `Admission is the time until the API server answers a dry run, with the operator in the process that asks: sixty places, one policy and four
baselines. The bucket names two providers and a place; the webhook is not asked about one that names none. Nodes and Secrets are what everybody
in the cluster writes, so what Rempart's admission policies cost there is measured as it is for somebody who is not Rempart. One object is
subject to them and another one, otherwise the same, is not.

`

// gate is an API server with the operator's webhook beside it.
type gate struct {
	root   string
	plane  *harness.ControlPlane
	client client.Client
	// operator asks in the operator's name.
	operator client.Client
}

// admission measures how long the API server takes over what is written with what
// Rempart adds and without, in turn, request by request. It prints the table and gives it.
func (b *bench) admission(ctx context.Context) (string, error) {
	ctrl.SetLogger(logr.Discard())
	root, err := toolbox.Root()
	if err != nil {
		return "", err
	}
	a := &gate{root: root}
	a.plane, err = harness.StartControlPlane(ctx, harness.ControlPlaneOptions{CRDs: []string{filepath.Join(root, "config/crd/bases")}, Output: b.out})
	if err != nil {
		return "", err
	}
	defer a.plane.Stop() // what is measured next must not share the machine with it
	config := a.plane.RESTConfig()
	config.WarningHandler = rest.NoWarnings{} // they are not what is measured
	if a.client, err = client.New(config, client.Options{Scheme: app.Scheme()}); err != nil {
		return "", err
	}
	stop, err := a.start(ctx)
	if err != nil {
		return "", err
	}
	defer stop()
	questions := a.questions()
	for _, q := range questions {
		if err := a.await(ctx, q); err != nil {
			return "", err
		}
	}
	requests := admissionRequests * b.rounds
	if b.quick {
		requests = admissionRequests / 10
	}
	for i := range questions {
		if err := questions[i].take(ctx, requests); err != nil {
			return "", err
		}
	}
	table := admissionTable(requests, questions)
	fmt.Fprintf(b.out, "\n%s", table)
	return table, nil
}

// start declares the world and runs the operator beside it.
func (a *gate) start(ctx context.Context) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	for _, object := range a.world() {
		if err := a.client.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	configuration, err := a.configuration(port)
	if err != nil {
		return nil, err
	}
	if err := a.client.Create(ctx, configuration); err != nil {
		return nil, err
	}
	if err := a.policies(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	mgr, err := app.NewManager(ctx, a.plane.RESTConfig(), app.ManagerOptions{
		Namespace: "rempart-system", InstallationID: "bench", Self: "p00/l0", MetricsAddress: "0", ProbeAddress: "0",
		Registerer: prometheus.NewRegistry(),
		Webhook: app.WebhookOptions{
			Host: "127.0.0.1", Port: port, Hosts: []string{"127.0.0.1"}, Service: "rempart-webhook", Configuration: configuration.Name,
		},
	})
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			fmt.Fprintln(os.Stderr, "bench: the operator ended:", err)
		}
	}, nil
}

// world is what is judged against. No store is behind the providers: admission judges
// what is declared.
func (a *gate) world() []client.Object {
	everywhere := &metav1.LabelSelector{}
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "rempart-system"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "judged", Labels: map[string]string{judgedLabel: "yes"}}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "unjudged"}},
	}
	for i := range admissionBaselines + 1 {
		policy := &v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("policy-%d", i)},
			Spec: v1alpha1.SovereigntyPolicySpec{
				AllowedNamespaces: everywhere, Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
				Copies: v1alpha1.CopyRules{Minimum: 3, DistinctOperators: 2},
			},
		}
		if i > 0 {
			policy.Spec.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: everywhere}
		}
		objects = append(objects, policy)
	}
	for i := range admissionProviders {
		provider := &v1alpha1.SovereignProvider{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("p%02d", i)},
			Spec: v1alpha1.SovereignProviderSpec{
				Type: v1alpha1.ProviderTypeS3, AllowedNamespaces: everywhere, Operator: v1alpha1.Operator{LegalEntity: fmt.Sprintf("Operator %d", i)},
				S3:      &v1alpha1.S3Endpoint{Endpoint: "https://127.0.0.1:1", CredentialsRef: v1alpha1.NameReference{Name: "none"}},
				Suspend: true,
			},
		}
		for j := range admissionLocations {
			country := "FR"
			if j == admissionLocations-1 {
				country = "CA"
			}
			provider.Spec.Locations = append(provider.Spec.Locations, v1alpha1.Location{Name: fmt.Sprintf("l%d", j), Country: country})
		}
		objects = append(objects, provider)
	}
	return objects
}

// configuration is that of config/webhook, but for the address and the namespaces.
func (a *gate) configuration(port int) (*admissionregistrationv1.ValidatingWebhookConfiguration, error) {
	content, err := os.ReadFile(filepath.Join(a.root, "config/webhook/configuration.yaml"))
	if err != nil {
		return nil, err
	}
	var configuration admissionregistrationv1.ValidatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(content, &configuration); err != nil {
		return nil, err
	}
	for i := range configuration.Webhooks {
		webhook := &configuration.Webhooks[i]
		webhook.ClientConfig.URL = new(fmt.Sprintf("https://127.0.0.1:%d%s", port, *webhook.ClientConfig.Service.Path))
		webhook.ClientConfig.Service = nil
		webhook.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{judgedLabel: "yes"}}
	}
	return &configuration, nil
}

// try asks the API server about a bucket whose primary is at a location.
func (a *gate) try(ctx context.Context, namespace, location string) error {
	return a.client.Create(ctx, &v1alpha1.SovereignBucket{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "actes"},
		Spec: v1alpha1.SovereignBucketSpec{
			PolicyRef: v1alpha1.NameReference{Name: "policy-0"},
			Dataset:   v1alpha1.Dataset{Title: "Actes", Purpose: "Tenue des registres", LegalBasis: "LegalObligation"},
			Placement: v1alpha1.PlacementSpec{
				Primary: &v1alpha1.PlaceReference{ProviderName: "p07", Location: location}, ProviderNames: []string{"p07", "p11"},
			},
		},
	}, client.DryRunAll)
}
