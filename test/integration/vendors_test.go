package integration

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/test/emulator/outscale"
	"github.com/rempart/rempart/test/emulator/ovh"
)

// vendors are an account at each vendor and a store of one's own.
type vendors struct {
	*world
	ovh      *ovh.Server
	outscale *outscale.Server
}

func newVendors(t *testing.T, change ...func(*app.ManagerOptions)) *vendors {
	t.Helper()
	return newVendorsWith(t, ovh.Options{}, outscale.Options{
		Consumption: []outscale.Consumption{{
			From: firstOfMonth(), To: firstOfMonth().AddDate(0, 0, 1), Service: "TinaOS-OOS", Type: "OOS:storage", Value: 42,
		}},
		Emissions: []outscale.Emission{{Month: firstOfMonth(), Kilograms: map[string]float64{"hardware": 1.5}}},
	}, change...)
}

// newVendorsWith makes vendors whose accounts have something already.
func newVendorsWith(t *testing.T, project ovh.Options, account outscale.Options, change ...func(*app.ManagerOptions)) *vendors {
	t.Helper()
	v := &vendors{world: newWorld(t, change...), ovh: ovh.Start(t, project), outscale: outscale.Start(t, account)}
	v.stopFirst()
	v.emulated("onprem")
	v.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
	return v
}

func firstOfMonth() time.Time {
	now := time.Now().UTC()
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// ovhcloud declares the account at OVHcloud.
func (v *vendors) ovhcloud(change ...func(*v1alpha1.SovereignProviderSpec)) *v1alpha1.SovereignProvider {
	v.t.Helper()
	v.secret("ovh", map[string]string{
		provider.ApplicationKey: v.ovh.ApplicationKey, provider.ApplicationSecret: v.ovh.ApplicationSecret, provider.ConsumerKey: v.ovh.ConsumerKey,
	})
	return v.declare("ovh", v1alpha1.SovereignProviderSpec{
		Type: v1alpha1.ProviderTypeOVHcloud,
		OVHcloud: &v1alpha1.OVHcloudAccount{
			Endpoint: v.ovh.URL, ProjectID: v.ovh.Project, CredentialsRef: v1alpha1.NameReference{Name: "ovh"},
		},
	}, change...)
}

// tds declares the account at Outscale.
func (v *vendors) tds(change ...func(*v1alpha1.SovereignProviderSpec)) *v1alpha1.SovereignProvider {
	v.t.Helper()
	v.secret("tds", map[string]string{provider.AccessKey: v.outscale.AccessKey, provider.SecretKey: v.outscale.SecretKey})
	return v.declare("tds", v1alpha1.SovereignProviderSpec{
		Type: v1alpha1.ProviderTypeOutscale,
		Outscale: &v1alpha1.OutscaleAccount{
			Region: v.outscale.Region, CredentialsRef: v1alpha1.NameReference{Name: "tds"},
			Endpoints: v1alpha1.OutscaleEndpoints{API: v.outscale.URL, OOS: v.outscale.OOS},
		},
	}, change...)
}

func (v *vendors) secret(name string, values map[string]string) {
	v.t.Helper()
	v.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: v.system, Name: name}, StringData: values})
}

func (v *vendors) declare(name string, spec v1alpha1.SovereignProviderSpec, change ...func(*v1alpha1.SovereignProviderSpec)) *v1alpha1.SovereignProvider {
	v.t.Helper()
	spec.AllowedNamespaces = &metav1.LabelSelector{}
	for _, f := range change {
		f(&spec)
	}
	p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	v.create(p)
	return p
}

func located(p *v1alpha1.SovereignProvider, name string) v1alpha1.LocationStatus {
	for _, location := range p.Status.Locations {
		if location.Name == name {
			return location
		}
	}
	return v1alpha1.LocationStatus{}
}

func only(names ...string) func(*v1alpha1.SovereignProviderSpec) {
	return func(s *v1alpha1.SovereignProviderSpec) {
		for _, name := range names {
			s.Locations = append(s.Locations, v1alpha1.Location{Name: name})
		}
	}
}

func threeCopies(s *v1alpha1.SovereigntyPolicySpec) {
	s.Copies.Minimum, s.Copies.DistinctOperators = 3, 3
}

func TestADatasetLivesAtBothVendorsAndAtHome(t *testing.T) {
	v := newVendors(t)
	project, region := v.ovhcloud(), v.tds()
	v.policy("etat-civil", threeCopies)
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := v.application(bucket)
	put(t, session, name, "acte", "1901")
	v.awaitObjects(bucket, 1)
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	v.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)

	for _, p := range []*v1alpha1.SovereignProvider{project, region} {
		v.await(p, v1alpha1.ConditionLocationsVerified, metav1.ConditionTrue, v1alpha1.ReasonLocationsConfirmed)
		v.await(p, v1alpha1.ConditionWithinLimits, metav1.ConditionTrue)
	}
	paris := located(region, "eu-west-2")
	if paris.Country != "FR" || paris.Perimeter != v1alpha1.PerimeterFR || paris.Verification != v1alpha1.VerificationConfirmed || len(paris.LocationCodes) == 0 {
		t.Errorf("eu-west-2 of Outscale is %+v", paris)
	}
	if got := located(project, "BHS"); got.Country != "CA" || got.Perimeter != "None" || got.CapabilitiesTriedAt != nil {
		t.Errorf("BHS is %+v", got)
	}
	if project.Status.Operator.LegalEntity == "" || project.Status.Operator.ControlCountry != "FR" {
		t.Errorf("the operator is %+v", project.Status.Operator)
	}
	// Not a byte, nor a bucket, outside the perimeter.
	for _, running := range v.ovh.Running() {
		if location := located(project, running); location.Perimeter != v1alpha1.PerimeterFR {
			t.Errorf("region %s in %s was used", running, location.Country)
		}
	}
	places := slices.Sorted(maps.Keys(v.replicas(bucket)))
	if len(places) != 3 || !slices.Contains(places, "tds/eu-west-2") || !slices.Contains(places, "onprem/dc1") {
		t.Errorf("the copies are at %q", places)
	}
}

func TestAnApplicationAtOVHcloudReachesItsBucketAndNoOther(t *testing.T) {
	v := newVendors(t)
	v.ovhcloud(only("GRA", "BHS"))
	v.policy("etat-civil")
	atGravelines := func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"}
	}
	mine, theirs := v.bucket("actes", "etat-civil", atGravelines), v.bucket("cadastre", "etat-civil", atGravelines)
	for _, bucket := range []*v1alpha1.SovereignBucket{mine, theirs} {
		v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	}
	session, name := v.application(mine)
	neighbour, other := v.application(theirs)
	put(t, neighbour, other, "parcelle", "A 12")
	put(t, session, name, "acte", "1901")
	if _, err := session.ListPage(t.Context(), other, provider.ListRequest{Limit: 1}); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("listing the neighbour's bucket: %v", err)
	}
	if _, err := session.Head(t.Context(), provider.Ref{Bucket: other, Key: "parcelle"}); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("reading the neighbour's object: %v", err)
	}
	access := &v1alpha1.SovereignBucketAccess{ObjectMeta: metav1.ObjectMeta{Namespace: v.namespace, Name: "actes"}}
	v.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if access.Status.Grant != v1alpha1.GrantScoped {
		t.Errorf("the grant is %q", access.Status.Grant)
	}
	v.awaitObjects(mine, 1)
}

func TestNoPrimaryIsAtOutscaleUnlessAnAdministratorSaysSo(t *testing.T) {
	v := newVendors(t)
	region := v.tds()
	v.policy("archives", func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantAccountWide })
	bucket := v.bucket("plans", "archives", func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "tds", Location: "eu-west-2"}
	})
	v.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse)
	if replicas := v.allReplicas(bucket); len(replicas) != 0 {
		t.Errorf("copies were made: %v", replicas)
	}
	told := false
	for _, candidate := range bucket.Status.Candidates {
		for _, objection := range candidate.Objections {
			told = told || candidate.ProviderName == "tds" && objection.Reason == v1alpha1.ReasonGrantTooWide && strings.Contains(objection.Message, "applicationKeys")
		}
	}
	if !told {
		t.Errorf("nothing tells why: %+v", bucket.Status.Candidates)
	}

	v.update(region, func() { region.Spec.Outscale.ApplicationKeys = v1alpha1.ApplicationKeysAccountWide })
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	access := &v1alpha1.SovereignBucketAccess{ObjectMeta: metav1.ObjectMeta{Namespace: v.namespace, Name: "plans"}}
	v.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if access.Status.Grant != v1alpha1.GrantAccountWide {
		t.Errorf("the grant is %q", access.Status.Grant)
	}
	session, name := v.application(bucket)
	put(t, session, name, "plan", "1950")
	v.awaitObjects(bucket, 1)
}

func TestARegionThatTurnsOutToBeElsewhereIsAViolation(t *testing.T) {
	v := newVendors(t)
	project := v.ovhcloud(only("GRA", "SBG"))
	v.policy("etat-civil")
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	placed := slices.DeleteFunc(slices.Sorted(maps.Keys(v.replicas(bucket))), func(place string) bool { return place == "onprem/dc1" })
	_, moved, _ := strings.Cut(placed[0], "/")

	v.ovh.SetCountry(moved, "CA")
	v.restart() // a new process asks the vendor again
	contradicted := v.await(project, v1alpha1.ConditionLocationsVerified, metav1.ConditionFalse, v1alpha1.ReasonLocationContradicted)
	wantIn(t, contradicted.Message, "of location "+moved+" the shipped catalogue says FR, and the provider's own API says CA")
	violation := v.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse)
	wantIn(t, violation.Message, "ovh/"+moved)
	// Another copy is made before that one is withdrawn.
	v.eventually(func() error {
		for place, replica := range v.replicas(bucket) {
			if place != "onprem/dc1" && place != "ovh/"+moved && meta.IsStatusConditionTrue(replica.Status.Conditions, v1alpha1.ConditionInitialSyncComplete) {
				return nil
			}
		}
		return notYet("no copy is elsewhere yet: %v", slices.Sorted(maps.Keys(v.replicas(bucket))))
	})
}

func TestARegionThatTheAPIDoesNotMentionKeepsItsCopy(t *testing.T) {
	v := newVendors(t)
	project := v.ovhcloud()
	v.policy("etat-civil")
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	before := v.replicas(bucket)
	placed := slices.DeleteFunc(slices.Sorted(maps.Keys(before)), func(place string) bool { return place == "onprem/dc1" })
	_, gone, _ := strings.Cut(placed[0], "/")

	v.ovh.SetRegionActive(gone, false)
	v.restart() // a new process asks the vendor again
	v.await(project, v1alpha1.ConditionLocationsVerified, metav1.ConditionFalse, v1alpha1.ReasonRegionNotActivated)
	v.sync(bucket)
	v.eventually(func() error { // the copy has been looked at since
		replica := v.replicas(bucket)["ovh/"+gone]
		if replica == nil {
			return fmt.Errorf("the copy at %s was withdrawn", gone)
		}
		ready := meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != v1alpha1.ReasonRegionNotActivated {
			return notYet("the copy says %+v", ready)
		}
		return nil
	})
	v.get(bucket)
	if !meta.IsStatusConditionTrue(bucket.Status.Conditions, v1alpha1.ConditionResidencyCompliant) || len(v.replicas(bucket)) != len(before) {
		t.Errorf("the copies are %q: %v", slices.Sorted(maps.Keys(v.replicas(bucket))), bucket.Status.Conditions)
	}

	v.ovh.SetRegionActive(gone, true)
	v.restart()
	v.await(project, v1alpha1.ConditionReady, metav1.ConditionTrue)
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
}

func TestAReplicationRuleFromTheConsoleIsAViolation(t *testing.T) {
	v := newVendors(t)
	v.ovhcloud(only("GRA", "BHS"))
	v.policy("etat-civil", reports)
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	if err := v.ovh.AddReplication(v.replicas(bucket)["ovh/GRA"].Spec.BucketName, "BHS"); err != nil {
		t.Fatal(err)
	}
	v.sync(bucket)
	violation := v.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
	wantIn(t, violation.Message, "BHS")
}

func TestWhatAVendorRefusesIsSaidWhereThePersonLooks(t *testing.T) {
	type found struct{ condition, reason, message string }
	for name, test := range map[string]struct {
		prepare func(*vendors)
		change  func(*v1alpha1.SovereignProviderSpec)
		want    found
	}{
		"a consumer key that nobody confirmed": {
			prepare: func(v *vendors) { v.ovh.SetConsumerKey(ovh.PendingValidation) },
			want:    found{v1alpha1.ConditionCredentialsValid, v1alpha1.ReasonConsumerKeyPending, "confirm"},
		},
		"a consumer key that is over": {
			prepare: func(v *vendors) { v.ovh.SetConsumerKey(ovh.Expired) },
			want:    found{v1alpha1.ConditionCredentialsValid, v1alpha1.ReasonTokenExpired, "Secret ovh"},
		},
		"a wrong application secret": {
			prepare: func(v *vendors) { v.ovh.ApplicationSecret = "wrong" },
			want:    found{v1alpha1.ConditionCredentialsValid, v1alpha1.ReasonAuthenticationFailed, "until Secret ovh changes"},
		},
		"a project that is not there": {
			change: func(s *v1alpha1.SovereignProviderSpec) { s.OVHcloud.ProjectID = "0000" },
			want:   found{v1alpha1.ConditionReachable, v1alpha1.ReasonProjectNotFound, "0000"},
		},
		"a service that has ended": {
			prepare: func(v *vendors) { v.ovh.SetServiceExpired(true) },
			want:    found{v1alpha1.ConditionReachable, v1alpha1.ReasonServiceExpired, ""},
		},
		"an API that does not answer": {
			prepare: func(v *vendors) { v.ovh.Down() },
			want:    found{v1alpha1.ConditionReachable, v1alpha1.ReasonControlPlaneUnreachable, ""},
		},
		"a region that the project does not have": {
			change: only("XXX"),
			want:   found{v1alpha1.ConditionLocationsVerified, v1alpha1.ReasonLocationUnknown, "XXX"},
		},
		"a region that is not activated": {
			prepare: func(v *vendors) { v.ovh.SetRegionActive("SBG", false) }, change: only("SBG"),
			want: found{v1alpha1.ConditionLocationsVerified, v1alpha1.ReasonRegionNotActivated, "SBG"},
		},
		"a region under maintenance": {
			prepare: func(v *vendors) { v.ovh.SetRegionStatus("GRA", ovh.Maintenance) }, change: only("GRA"),
			want: found{v1alpha1.ConditionReachable, v1alpha1.ReasonProviderMaintenance, "GRA"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t)
			if test.prepare != nil {
				test.prepare(v)
			}
			var changes []func(*v1alpha1.SovereignProviderSpec)
			if test.change != nil {
				changes = append(changes, test.change)
			}
			p := v.ovhcloud(changes...)
			got := v.await(p, test.want.condition, metav1.ConditionFalse, test.want.reason)
			wantIn(t, got.Message, test.want.message)
			for _, secret := range v.ovh.Secrets() {
				if strings.Contains(got.Message, secret) {
					t.Errorf("the message holds a secret")
				}
			}
		})
	}
}

// wanted declares a policy that makes the regions of an account worth trying, and
// does not wait for them.
func (v *vendors) wanted() {
	v.t.Helper()
	v.create(&v1alpha1.SovereigntyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"},
		Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: &metav1.LabelSelector{}, Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
		},
	})
}

func TestAUserThatIsNeverMadeIsNotWaitedForInSilence(t *testing.T) {
	v := newVendors(t)
	v.ovh.SetUsersStuck(true)
	v.wanted()
	project := v.ovhcloud(only("GRA"))
	v.await(project, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonProgressing)
	v.ovh.AgeUsers(20 * time.Minute)
	stuck := v.await(project, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUserCreationStuck)
	wantIn(t, stuck.Message, "delete it in the control panel")
	v.ovh.SetUsersStuck(false)
	v.restart() // the cure is outside the cluster, and else looked for after a while
	v.await(project, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if users := v.ovh.Users(); len(users) != 1 {
		t.Errorf("there are %d users for one operator: %+v", len(users), users)
	}
}

func TestAProjectWithoutRoomForAUserSaysSo(t *testing.T) {
	v := newVendors(t)
	v.ovh.SetUserLimit(-1)
	v.wanted()
	project := v.ovhcloud(only("GRA"))
	v.await(project, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUserLimitReached)
}

func TestAWrongSecretAtOutscaleIsTriedOnce(t *testing.T) {
	v := newVendors(t)
	right := v.outscale.SecretKey
	v.outscale.SecretKey = "wrong"
	region := v.tds()
	v.await(region, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)
	if v.outscale.IsLocked(v.outscale.AccessKey) {
		t.Fatal("the account is locked")
	}
	asked := len(v.outscale.Requests())
	v.restart()
	v.await(region, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)
	if again := len(v.outscale.Requests()); again != asked || asked > 2 {
		t.Errorf("the API was asked %d times, and then %d times", asked, again)
	}

	stored := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: v.system, Name: "tds"}}
	v.update(stored, func() { stored.StringData = map[string]string{provider.SecretKey: right} })
	v.await(region, v1alpha1.ConditionReady, metav1.ConditionTrue)
}
