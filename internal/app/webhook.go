package app

import (
	"crypto/tls"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	serving "sigs.k8s.io/controller-runtime/pkg/webhook"

	certificates "github.com/rempart/rempart/controllers/certificate"
	"github.com/rempart/rempart/internal/certificate"
	"github.com/rempart/rempart/internal/webhook"
)

// WebhookOptions are the settings of the webhook.
type WebhookOptions struct {
	// Port that is listened on; 0 turns the webhook off.
	Port int
	// Host is the address that is listened on; empty is all of them.
	Host string
	// Service in the operator's namespace through which the API server calls; the
	// certificate is for its name.
	Service string
	// Hosts are other names and addresses that the certificate is for.
	Hosts []string
	// Configuration names the ValidatingWebhookConfiguration that is to trust the
	// certificate.
	Configuration string
}

// adjust has the manager's cache hold the one configuration that the operator has
// rights to.
func (o WebhookOptions) adjust(options *ctrl.Options) {
	if o.Port == 0 {
		return
	}
	options.Cache.ByObject[&admissionregistrationv1.ValidatingWebhookConfiguration{}] = cache.ByObject{
		Field: fields.OneTermEqualSelector("metadata.name", o.Configuration),
	}
}

// addTo has the manager serve the webhook, and gives what its certificate needs; nil
// where it is turned off. The manager is ready once it serves.
func (o WebhookOptions) addTo(mgr ctrl.Manager, namespace string, now clock.PassiveClock) (*certificates.Config, error) {
	if o.Port == 0 {
		return nil, nil
	}
	holder := &certificate.Holder{}
	server := serving.NewServer(serving.Options{Host: o.Host, Port: o.Port, TLSOpts: []func(*tls.Config){func(config *tls.Config) {
		config.GetCertificate = holder.GetCertificate
		config.MinVersion = tls.VersionTLS12
		config.NextProtos = []string{"http/1.1"} // one caller needs no streams, and their attacks stay out
	}}})
	webhook.Register(server, webhook.Config{Reader: mgr.GetClient(), Clock: now, Scheme: mgr.GetScheme()})
	if err := mgr.Add(server); err != nil {
		return nil, fmt.Errorf("add the webhook: %w", err)
	}
	if err := mgr.AddReadyzCheck("webhook", server.StartedChecker()); err != nil {
		return nil, fmt.Errorf("add the readiness check of the webhook: %w", err)
	}
	return &certificates.Config{
		Namespace: namespace, Configuration: o.Configuration, Holder: holder,
		Hosts: append([]string{o.Service + "." + namespace + ".svc"}, o.Hosts...),
	}, nil
}
