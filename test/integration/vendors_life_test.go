package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	outscaledriver "github.com/rempart/rempart/internal/provider/outscale"
	ovhdriver "github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/secret"
	"github.com/rempart/rempart/test/emulator/ovh"
)

// primaryAt places the primary of a dataset.
func primaryAt(providerName, location string) func(*v1alpha1.SovereignBucketSpec) {
	return func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: providerName, Location: location}
	}
}

func deleted(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete }

// consumers are the users at OVHcloud of whoever uses a bucket.
func (v *vendors) consumers() []ovh.User {
	return slices.DeleteFunc(v.ovh.Users(), func(u ovh.User) bool {
		return strings.HasSuffix(u.Description, "/operator") || u.Status == "deleting"
	})
}

// everywhere is a dataset with its primary at OVHcloud and a copy at each of the
// others, with one object in it.
func everywhere(t *testing.T, change ...func(*v1alpha1.SovereigntyPolicySpec)) (*vendors, *v1alpha1.SovereignBucket) {
	t.Helper()
	v := newVendors(t)
	v.ovhcloud(only("GRA"))
	v.tds()
	v.policy("etat-civil", append(change, threeCopies)...)
	bucket := v.bucket("actes", "etat-civil", primaryAt("ovh", "GRA"), deleted)
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := v.application(bucket)
	put(t, session, name, "acte", "1901")
	v.awaitObjects(bucket, 1)
	return v, bucket
}

// at opens the account at a vendor, as the operator does.
func (v *vendors) at(providerName string) provider.Session {
	v.t.Helper()
	var driver provider.Driver
	var place provider.Place
	var keys provider.Credentials
	switch providerName {
	case "ovh":
		driver = ovhdriver.New(ovhdriver.Options{})
		place = provider.Place{
			Provider: "ovh", Location: "GRA", API: v.ovh.URL, Project: v.ovh.Project, Installation: v.system, Endpoint: v.ovh.Region("GRA").URL,
		}
		keys = provider.Credentials{
			provider.ApplicationKey: secret.New(v.ovh.ApplicationKey), provider.ApplicationSecret: secret.New(v.ovh.ApplicationSecret),
			provider.ConsumerKey: secret.New(v.ovh.ConsumerKey),
		}
	case "tds":
		driver = outscaledriver.Driver{}
		place = provider.Place{Provider: "tds", Location: v.outscale.Region, API: v.outscale.URL, Endpoint: v.outscale.OOS}
		keys = provider.Credentials{provider.AccessKey: secret.New(v.outscale.AccessKey), provider.SecretKey: secret.New(v.outscale.SecretKey)}
	}
	session, err := driver.Open(place, keys)
	if err != nil {
		v.t.Fatal(err)
	}
	return session
}

// buckets are those that an account has.
func (v *vendors) buckets(providerName string) []string {
	v.t.Helper()
	list, err := v.at(providerName).ListBuckets(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	return list.Names
}

func TestADeletedDatasetLeavesNothingAtTheVendors(t *testing.T) {
	v, bucket := everywhere(t)
	session, name := v.application(bucket)
	put(t, session, name, "acte", "1902") // the version before stays
	v.access("actes", "readers", mode(v1alpha1.AccessReadOnly))
	if got := len(v.consumers()); got != 2 {
		t.Errorf("there are %d users of consumers, want 2: %+v", got, v.ovh.Users())
	}
	v.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, name)
	v.delete(bucket)
	v.awaitGone(bucket)
	for _, account := range []string{"ovh", "tds"} {
		if left := v.buckets(account); len(left) != 0 {
			t.Errorf("buckets are left at %s: %q", account, left)
		}
	}
	v.eventually(func() error {
		if left := v.consumers(); len(left) != 0 {
			return notYet("users are left: %+v", left)
		}
		return nil
	})
	if operators := v.ovh.Users(); len(operators) != 1 || len(operators[0].Keys) != 1 {
		t.Errorf("the operator's users: %+v", operators)
	}
}

func TestAKeyAtOVHcloudIsReplacedWithoutAGap(t *testing.T) {
	clock := newClock()
	v := newVendors(t, timed(clock))
	v.ovhcloud(only("GRA"))
	v.policy("etat-civil")
	bucket := v.bucket("actes", "etat-civil", primaryAt("ovh", "GRA"))
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	access := v.accessTo("actes", "actes")
	first, name := v.application(bucket)
	v.rotation(access, 24*time.Hour, time.Hour)

	pass(clock, 25*time.Hour)
	v.wake(access)
	v.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	second, _ := v.application(bucket)
	for key, session := range map[string]provider.Session{"the first": first, "the second": second} {
		if err := try(session, name); err != nil {
			t.Errorf("with %s key: %v", key, err)
		}
	}
	if users := v.consumers(); len(users) != 2 {
		t.Errorf("during the overlap there are %d users: %+v", len(users), users)
	}

	pass(clock, 2*time.Hour)
	v.wake(access)
	v.awaitKeys(access, v1alpha1.KeyActive)
	if err := try(second, name); err != nil {
		t.Errorf("with the second key: %v", err)
	}
	if err := try(first, name); !errors.Is(err, provider.ErrAuthentication) && !errors.Is(err, provider.ErrDenied) {
		t.Errorf("the first key still works: %v", err)
	}
	if users := v.consumers(); len(users) != 1 || len(users[0].Keys) != 1 {
		t.Errorf("afterwards there are the users %+v", users)
	}
}

func TestLimitsOfUsersAndKeysAreSaidOnTheAccess(t *testing.T) {
	for name, test := range map[string]struct {
		limit  func(*ovh.Server)
		reason string
	}{
		"users": {func(s *ovh.Server) { s.SetUserLimit(-1) }, v1alpha1.ReasonUserLimitReached},
		"keys": {func(s *ovh.Server) {
			s.Fail(ovh.Match{Method: http.MethodPost, Path: "/cloud/project/{serviceName}/user/{userId}/s3Credentials"},
				ovh.Answer{Status: http.StatusForbidden, Class: "Client::Forbidden::QuotaExceeded", Message: "S3 credentials quota exceeded"}, 0)
		}, v1alpha1.ReasonKeyLimitReached},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t)
			v.ovhcloud(only("GRA"))
			v.policy("etat-civil")
			bucket := v.bucket("actes", "etat-civil", primaryAt("ovh", "GRA"))
			v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
			test.limit(v.ovh)
			access := v.accessTo("actes", "readers", mode(v1alpha1.AccessReadOnly))
			v.create(access)
			got := v.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			wantIn(t, got.Message, "ask OVHcloud's support for more, or remove what nobody needs")
			v.await(access, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, test.reason)
			v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
		})
	}
}

func TestAServiceThatEndedIsNeverAbsence(t *testing.T) {
	v, bucket := everywhere(t)
	v.ovh.SetServiceExpired(true)
	_, name := v.application(bucket)
	v.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, name)
	v.delete(bucket)
	access := v.accessTo("actes", "actes")
	got := v.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, got.Message, "the service has expired")
	wantIn(t, got.Message, "renew it before OVHcloud erases what is in it")
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse)
	replica := v.replicas(bucket)["ovh/GRA"]
	if len(replica.Finalizers) == 0 || len(bucket.Finalizers) == 0 || len(access.Finalizers) == 0 {
		t.Errorf("the finalizers are gone: %+v, %+v", replica.ObjectMeta, bucket.ObjectMeta)
	}
	if users := v.consumers(); len(users) != 1 {
		t.Errorf("the users of consumers are %+v", users)
	}
	v.ovh.SetServiceExpired(false)
	v.restart() // the cure is outside the cluster, and else looked for after a while
	v.awaitGone(bucket)
	if left := v.buckets("ovh"); len(left) != 0 {
		t.Errorf("buckets are left: %q", left)
	}
	if left := v.consumers(); len(left) != 0 {
		t.Errorf("users are left: %+v", left)
	}
}

func TestDrillsToAndFromTheVendorsLeaveNothing(t *testing.T) {
	v := newVendors(t)
	v.ovhcloud(only("GRA"))
	v.tds()
	v.policy("etat-civil", threeCopies)
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	session, name := v.application(bucket)
	put(t, session, name, "acte", "1901")
	v.awaitObjects(bucket, 1)
	before := map[string][]string{"ovh": v.buckets("ovh"), "tds": v.buckets("tds")}
	for _, way := range [][2]string{{"ovh", "tds"}, {"tds", "ovh"}} {
		d := v.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
			s.From = &v1alpha1.DrillPlace{ProviderName: way[0]}
			s.To = &v1alpha1.DrillPlace{ProviderName: way[1]}
		})
		v.awaitVerdict(d, v1alpha1.VerdictPassed)
		v.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	}
	for account, want := range before {
		if got := v.buckets(account); !slices.Equal(got, want) {
			t.Errorf("the buckets at %s are %q, and were %q", account, got, want)
		}
	}
	if users := v.consumers(); len(users) != 0 {
		t.Errorf("the users of consumers are %+v", users)
	}
}

func TestVendorsKeepDatasetsUnderLock(t *testing.T) {
	v := newVendors(t)
	v.ovhcloud(only("GRA"))
	v.tds()
	v.policy("etat-civil", underLock)
	bucket := v.bucket("actes", "etat-civil", primaryAt("ovh", "GRA"))
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	for place, replica := range v.replicas(bucket) {
		if replica.Spec.ProviderName == "onprem" {
			continue
		}
		protection, err := v.at(replica.Spec.ProviderName).ObserveProtection(t.Context(), replica.Spec.BucketName)
		if err != nil || protection != month {
			t.Errorf("the bucket at %s is protected by %+v: %v", place, protection, err)
		}
	}
}

func TestABucketThatLostItsMarkIsNotForgotten(t *testing.T) {
	v, bucket := everywhere(t)
	replica := v.replicas(bucket)["tds/eu-west-2"]
	at, name := v.at("tds"), replica.Spec.BucketName
	v.update(bucket, func() { bucket.Spec.Suspend = true })
	for version, err := range provider.ListVersions(t.Context(), at, name, provider.MarkKey) {
		if err != nil {
			t.Fatal(err)
		}
		if err := at.Remove(t.Context(), provider.Ref{Bucket: name, Key: version.Key, VersionID: version.VersionID}); err != nil {
			t.Fatal(err)
		}
	}
	v.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	v.delete(bucket)
	blocked := v.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "carries Rempart's mark no more")
	wantIn(t, blocked.Message, "set spec.deletionPolicy of the SovereignBucket to Retain")
	if _, err := provider.Empty(t.Context(), at, name); err != nil { // the person decides
		t.Fatal(err)
	}
	v.awaitGone(bucket)
	if left := v.buckets("tds"); len(left) != 0 {
		t.Errorf("buckets are left: %q", left)
	}
}

func TestAStoreThatIsDownWhileItsAPIIsUp(t *testing.T) {
	v := newVendors(t)
	project, region := v.ovhcloud(only("GRA"), oftenProbed), v.tds(oftenProbed)
	v.policy("etat-civil")
	v.ovh.Region("GRA").Faults().Down()
	v.outscale.Store.Faults().Down()
	for _, p := range []*v1alpha1.SovereignProvider{project, region} {
		down := v.await(p, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
		wantIn(t, down.Message, "location "+p.Status.LocationNames+": ")
		v.await(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
	}
	v.ovh.Region("GRA").Faults().Up()
	v.outscale.Store.Faults().Up()
	for _, p := range []*v1alpha1.SovereignProvider{project, region} {
		v.await(p, v1alpha1.ConditionReady, metav1.ConditionTrue)
	}
}

func TestAnAPIThatIsDownWhileItsStoreIsUp(t *testing.T) {
	v, bucket := everywhere(t)
	v.ovh.Down()
	v.outscale.Down()
	session, name := v.application(bucket)
	put(t, session, name, "acte-2", "1902")
	v.awaitObjects(bucket, 2)
	v.restart()
	put(t, session, name, "acte-3", "1903")
	for _, account := range []string{"ovh", "tds"} {
		p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: account}}
		v.await(p, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonControlPlaneUnreachable)
	}
	v.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
}

func oftenProbed(s *v1alpha1.SovereignProviderSpec) {
	s.ProbeInterval = &metav1.Duration{Duration: 10 * time.Second}
}

func TestWhatAnAccountUsedAndEmittedIsAMetric(t *testing.T) {
	v := newVendors(t)
	v.tds()
	v.policy("etat-civil")
	want := map[string]float64{"rempart_provider_co2_grams": 1500, "rempart_provider_consumption": 42}
	v.eventually(func() error {
		families, err := v.options.Registerer.(*prometheus.Registry).Gather()
		if err != nil {
			return err
		}
		got := map[string]float64{}
		for _, family := range families {
			if _, isWanted := want[family.GetName()]; isWanted {
				got[family.GetName()] = family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return notYet("metrics (-want +got):\n%s", diff)
		}
		return nil
	})
}

// stored is a bucket at OVHcloud, as the control panel shows it.
type stored struct {
	Versioning  struct{ Status string }
	Encryption  struct{ SSEAlgorithm string }
	Tags        map[string]string
	Replication struct{ Rules []struct{ Status string } }
}

func (v *vendors) bucketsPath() string {
	return "/cloud/project/" + v.ovh.Project + "/region/GRA/storage"
}

// shown reads a bucket at OVHcloud.
func (v *vendors) shown(name string) stored {
	v.t.Helper()
	var found stored
	if err := v.ovh.Ask(v.t.Context(), http.MethodGet, v.bucketsPath()+"/"+name, nil, &found); err != nil {
		v.t.Fatal(err)
	}
	return found
}

func TestWhatSomebodyChangesInTheControlPanelIsSetRight(t *testing.T) {
	v := newVendors(t)
	v.ovhcloud(only("GRA"))
	v.tds()
	v.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Encryption = v1alpha1.EncryptionProviderManaged })
	bucket := v.bucket("actes", "etat-civil", primaryAt("ovh", "GRA"))
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	name := bucket.Status.Primary.BucketName
	before := v.shown(name)
	change := map[string]any{
		"versioning": map[string]string{"status": "suspended"}, "encryption": map[string]string{"sseAlgorithm": "plaintext"},
		"tags": map[string]string{"cost-centre": "42"}, // so that the mark is gone, too
	}
	if err := v.ovh.Ask(t.Context(), http.MethodPut, v.bucketsPath()+"/"+name, change, nil); err != nil {
		t.Fatal(err)
	}
	want := before
	want.Tags = maps.Clone(before.Tags)
	want.Tags["cost-centre"] = "42"
	v.restart() // and else within an hour
	v.eventually(func() error {
		if diff := cmp.Diff(want, v.shown(name)); diff != "" {
			return notYet("the bucket (-want +got):\n%s", diff)
		}
		return nil
	})
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestAReplicationRuleFromTheControlPanelIsStopped(t *testing.T) {
	v := newVendors(t)
	v.ovhcloud(only("GRA", "BHS"))
	v.policy("etat-civil")
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	name := v.replicas(bucket)["ovh/GRA"].Spec.BucketName
	if err := v.ovh.AddReplication(name, "BHS"); err != nil {
		t.Fatal(err)
	}
	v.sync(bucket)
	v.eventually(func() error {
		if rules := v.shown(name).Replication.Rules; len(rules) != 1 || rules[0].Status != "disabled" {
			return notYet("the rules are %+v", rules)
		}
		return nil
	})
	v.awaitEvent("DriftDetected", "in BHS, should be off; it was set right; what it copied before is still there")
	v.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
}

func TestBucketsThatWereThereAreAdoptedAtBothVendors(t *testing.T) {
	for place, build := range map[v1alpha1.PlaceReference]func(*vendors) provider.Session{
		{ProviderName: "tds", Location: "eu-west-2"}: func(v *vendors) provider.Session {
			at := v.at("tds")
			if err := at.CreateBucket(v.t.Context(), provider.Bucket{Name: former}); err != nil {
				v.t.Fatal(err)
			}
			return at
		},
		{ProviderName: "ovh", Location: "GRA"}: func(v *vendors) provider.Session {
			var owner struct{ ID int64 }
			users := "/cloud/project/" + v.ovh.Project + "/user"
			if err := v.ovh.Ask(v.t.Context(), http.MethodPost, users, map[string]string{
				"description": "the agency before", "role": "objectstore_operator",
			}, &owner); err != nil {
				v.t.Fatal(err)
			}
			v.eventually(func() error {
				return v.ovh.Ask(v.t.Context(), http.MethodPost, v.bucketsPath(), map[string]any{
					"name": former, "ownerId": owner.ID, "tags": map[string]string{"cost-centre": "42"},
				}, nil)
			})
			return v.at("ovh")
		},
	} {
		t.Run(place.ProviderName, func(t *testing.T) {
			v := newVendors(t)
			listed := func(s *v1alpha1.SovereignProviderSpec) {
				s.Adoptable = []v1alpha1.AdoptableBucket{{Location: place.Location, BucketName: former, Namespace: v.namespace, Name: "actes"}}
			}
			accountWide := func(s *v1alpha1.SovereignProviderSpec) {
				s.Outscale.ApplicationKeys = v1alpha1.ApplicationKeysAccountWide
			}
			if place.ProviderName == "ovh" {
				v.ovhcloud(only("GRA"), listed)
			} else {
				v.tds(listed, accountWide)
			}
			v.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantAccountWide })
			before := build(v)
			v.eventually(func() error {
				_, err := before.ListPage(t.Context(), former, provider.ListRequest{Limit: 1})
				return err
			})
			put(t, before, former, "acte", "1901")
			bucket := v.bucket("actes", "etat-civil", adopting(place.ProviderName, place.Location, former))
			v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
			v.awaitObjects(bucket, 1)
			session, name := v.application(bucket)
			put(t, session, name, "acte-2", "1902")
			v.awaitObjects(bucket, 2)
			if place.ProviderName == "ovh" && v.shown(former).Tags["cost-centre"] != "42" {
				t.Errorf("the tags are %v", v.shown(former).Tags)
			}
			v.delete(bucket)
			v.awaitGone(bucket)
			if left := v.buckets(place.ProviderName); !slices.Equal(left, []string{former}) {
				t.Errorf("the buckets are %q: an adopted one is never deleted", left)
			}
		})
	}
}

func TestAnAccountThatIsAlmostFullSaysSo(t *testing.T) {
	v := newVendors(t)
	region := v.tds(oftenProbed)
	v.policy("etat-civil")
	v.await(region, v1alpha1.ConditionWithinLimits, metav1.ConditionTrue)
	at := v.at("tds")
	for i := range 81 {
		if err := at.CreateBucket(t.Context(), provider.Bucket{Name: fmt.Sprintf("others-%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	near := v.await(region, v1alpha1.ConditionWithinLimits, metav1.ConditionFalse, v1alpha1.ReasonQuotaNear)
	wantIn(t, near.Message, "the account has more than 80 % of the 100 buckets that it can have: ask the provider for more")
	v.await(region, v1alpha1.ConditionReady, metav1.ConditionTrue) // it works until then
}
