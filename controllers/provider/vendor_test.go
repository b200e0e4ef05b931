package provider

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/session"
)

// vendor is the API of a vendor that answers what it is told to.
type vendor struct {
	provider.Session
	regions []provider.Region
	failure error
	// footprints counts how often it was asked for one.
	footprints int
}

func (*vendor) Type() string { return "OVHcloud" }

func (v *vendor) Open(provider.Place, provider.Credentials) (provider.Session, error) { return v, nil }

func (v *vendor) Account() (provider.Account, bool) { return v, true }

func (v *vendor) Discover(context.Context) ([]provider.Region, error) { return v.regions, v.failure }

func (v *vendor) Machines(context.Context) ([]provider.Machine, error) { return nil, v.failure }

func (v *vendor) Footprint(context.Context, time.Time) (provider.Footprint, error) {
	v.footprints++
	if v.failure != nil {
		return provider.Footprint{}, v.failure
	}
	return provider.Footprint{CO2Kilograms: new(1.5)}, nil
}

// Wrap and Refused make it an account that shares nothing.
func (*vendor) Wrap(s provider.Session) provider.Session { return s }
func (*vendor) Refused() error                           { return nil }

// reconcilerOf gives a reconciler for an account at the vendor, with its metrics.
func reconcilerOf(v *vendor) (*Reconciler, *prometheus.Registry) {
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "api"}, Data: map[string][]byte{
		provider.ClientID: []byte("id"), provider.ClientSecret: []byte("secret"),
	}}
	registry := prometheus.NewRegistry()
	return NewReconciler(Config{
		Sessions: session.New(session.Config{
			Reader: fake.NewClientBuilder().WithObjects(credentials).Build(), Namespace: "system", Drivers: provider.NewRegistry(v),
			NewAccount: func(v1alpha1.SovereignProvider) session.Account { return v }, FingerprintKey: []byte("key"),
		}),
		Metrics: NewMetrics(registry),
	}), registry
}

func accountAt(locations ...v1alpha1.LocationStatus) *scope {
	s := ofVendor(locations)
	s.provider.Spec.OVHcloud.CredentialsRef = v1alpha1.NameReference{Name: "api"}
	return s
}

// series are the values of a metric by the last of its labels.
func series(t *testing.T, registry *prometheus.Registry, metric string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.GetMetric() {
			values[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
		}
	}
	return values
}

func TestWhenAnAccountIsAskedAgainWhatItUsed(t *testing.T) {
	const look, day = 5 * time.Minute, 24 * time.Hour
	for name, test := range map[string]struct {
		failure error
		after   time.Duration
		asked   int
	}{
		"told, and a look later":                   {nil, look, 1},
		"told, and a day later":                    {nil, day, 2},
		"not to this key, and a look later":        {fault.New(fault.Terminal, fault.AccessDenied, "denied"), look, 1},
		"not to this key, and a day later":         {fault.New(fault.Terminal, fault.AccessDenied, "denied"), day, 2},
		"failed for a while, and a look later":     {fault.New(fault.Transient, fault.ControlPlaneUnreachable, "down"), look, 2},
		"busy, and a look later":                   {fault.New(fault.Throttled, fault.Throttling, "slow down"), look, 2},
		"failed for who knows why, a look later":   {errors.New("cut"), look, 2},
		"the vendor waits for somebody, once more": {fault.New(fault.Waiting, fault.ConsumerKeyPending, "pending"), look, 2},
	} {
		v := &vendor{failure: test.failure}
		r, _ := reconcilerOf(v)
		s := accountAt()
		for range 2 {
			if err := r.measure(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s.now = s.now.Add(test.after)
		}
		if v.footprints != test.asked {
			t.Errorf("%s: asked %d times, want %d", name, v.footprints, test.asked)
		}
	}
}

// What was told is about a month, and is not shown as that of another.
func TestHowLongAFootprintIsShown(t *testing.T) {
	eve := time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
	down, denied := fault.New(fault.Transient, fault.ControlPlaneUnreachable, "down"), fault.New(fault.Terminal, fault.AccessDenied, "denied")
	for name, test := range map[string]struct {
		told, then time.Time
		failure    error
		asked      int
		want       map[string]float64
	}{
		"the vendor is down the same month":      {now, now.Add(24 * time.Hour), down, 2, map[string]float64{"ovh": 1500}},
		"it is down in the next month":           {eve, eve.Add(time.Minute), down, 2, map[string]float64{}},
		"it tells of the next month at once":     {eve, eve.Add(time.Minute), nil, 2, map[string]float64{"ovh": 1500}},
		"it does not tell this key any more":     {now, now.Add(24 * time.Hour), denied, 2, map[string]float64{}},
		"a look later, it is not asked anyway":   {now, now.Add(time.Minute), denied, 1, map[string]float64{"ovh": 1500}},
		"it is down in the same month of a year": {now, now.AddDate(1, 0, 0), down, 2, map[string]float64{}},
	} {
		v := &vendor{}
		r, registry := reconcilerOf(v)
		s := accountAt()
		for _, at := range []time.Time{test.told, test.then} {
			s.now = at
			if err := r.measure(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			v.failure = test.failure
		}
		if diff := cmp.Diff(test.want, series(t, registry, "rempart_provider_co2_grams")); diff != "" || v.footprints != test.asked {
			t.Errorf("%s: asked %d times, and shown is (-want +got):\n%s", name, v.footprints, diff)
		}
	}
}

// What the owner says of a location counts at once, though the vendor is silent.
func TestTheSpecCountsWhileTheVendorIsSilent(t *testing.T) {
	v := &vendor{regions: []provider.Region{{Name: "NEW", Endpoint: "https://s3.new.example"}}}
	r, _ := reconcilerOf(v)
	s := accountAt()
	for _, country := range []string{"FR", "DE"} {
		s.provider.Spec.Locations = []v1alpha1.Location{{Name: "NEW", Country: country}}
		if err := r.discover(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := s.provider.Status.Locations; len(got) != 1 || got[0].Country != country || got[0].Endpoint != "https://s3.new.example" {
			t.Errorf("declared in %s: %+v", country, got)
		}
		v.failure, s.now = fault.New(fault.Transient, fault.ControlPlaneUnreachable, "down"), s.now.Add(discoveryInterval)
	}
	if !s.isAPISilent() {
		t.Error("the failure is not told")
	}
}

// A policy may come to allow fewer locations, and then the others are not probed.
func TestMetricsTellNothingOfLocationsThatAreNotLookedAt(t *testing.T) {
	r, registry := reconcilerOf(&vendor{})
	s := accountAt(confirmed("GRA", "SBG")...)
	s.probed = []probed{{location: "GRA", buckets: 3, hasSkew: true}, {location: "SBG", buckets: 4, hasSkew: true}}
	r.Metrics.record(s)
	s.probed = []probed{{location: "GRA", err: because(fault.ProviderUnreachable)}}
	r.Metrics.record(s)
	for metric, want := range map[string]map[string]float64{
		"rempart_provider_up": {"GRA": 0}, "rempart_provider_buckets": {"GRA": 3}, "rempart_provider_clock_skew_seconds": {"GRA": 0},
	} {
		if diff := cmp.Diff(want, series(t, registry, metric)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", metric, diff)
		}
	}
	r.Metrics.forget("ovh")
	if left := series(t, registry, "rempart_provider_up"); len(left) > 0 {
		t.Errorf("of a provider that is gone: %v", left)
	}
}
