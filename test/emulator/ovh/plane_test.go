package ovh_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/ovh"
	"github.com/rempart/rempart/test/harness"
)

// scoped is what a driver writes for a workload: its own bucket, and no list.
func scoped(bucket string) string {
	return fmt.Sprintf(`{"Statement":[
	{"Sid":"own","Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:ListBucket"],"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]},
	{"Sid":"names","Effect":"Deny","Action":["s3:ListAllMyBuckets"],"Resource":["*"]}]}`, bucket)
}

// tenancy is one owner with many buckets, each with a workload of its own.
type tenancy struct {
	account
	owner  keyDocument
	places []tenant
}

type tenant struct {
	region, bucket string
	key            keyDocument
}

func newTenancy(t *testing.T, o ovh.Options, tenants int) tenancy {
	t.Helper()
	a := start(t, o)
	owner := a.user("owner")
	all := tenancy{account: a, owner: a.key(owner.ID)}
	regions := []string{"GRA", "EU-WEST-PAR"}
	for i := range tenants {
		place := tenant{region: regions[i%len(regions)], bucket: fmt.Sprintf("tenant-%d", i)}
		a.bucket(place.region, place.bucket, owner.ID, nil)
		u := a.user(place.bucket)
		a.policy(u.ID, scoped(place.bucket))
		place.key = a.key(u.ID)
		if err := write(t, a.s3(place.region, all.owner), place.bucket, "secret", place.bucket); err != nil {
			t.Fatal(err)
		}
		all.places = append(all.places, place)
	}
	return all
}

// Whatever a workload tries on a neighbour's bucket, in whatever region, is
// refused; on its own it is not, and the owner reaches all of them.
func TestAWorkloadReachesItsOwnBucketOnly(t *testing.T) {
	all := newTenancy(t, ovh.Options{}, 4)
	attempts := map[string]func(core *minio.Core, bucket string) error{
		"read": func(core *minio.Core, bucket string) error {
			_, err := read(t, core, bucket, "secret")
			return err
		},
		"list": func(core *minio.Core, bucket string) error { return list(t, core, bucket) },
		"write": func(core *minio.Core, bucket string) error {
			return write(t, core, bucket, "planted", "text")
		},
		"delete": func(core *minio.Core, bucket string) error {
			return core.RemoveObject(t.Context(), bucket, "planted", minio.RemoveObjectOptions{})
		},
	}
	for _, who := range all.places {
		for _, where := range all.places {
			core, owner := all.s3(where.region, who.key), all.s3(where.region, all.owner)
			for _, name := range []string{"read", "list", "write", "delete"} {
				want := "AccessDenied"
				if who.bucket == where.bucket {
					want = ""
				}
				if got := code(attempts[name](core, where.bucket)); got != want {
					t.Errorf("%s tries to %s in %s: code %q, want %q", who.bucket, name, where.bucket, got, want)
				}
				if err := attempts[name](owner, where.bucket); err != nil {
					t.Errorf("the owner cannot %s in %s: %v", name, where.bucket, err)
				}
			}
			if _, err := core.ListBuckets(t.Context()); code(err) != "AccessDenied" {
				t.Errorf("%s lists buckets: %v", who.bucket, err)
			}
		}
	}
	diff(t, "regions that were started", []string{"GRA", "EU-WEST-PAR"}, all.Running())
}

// Policies that name other buckets, in any mixture, open none that they do not
// name.
func TestNoMixtureOfPoliciesOpensANeighbour(t *testing.T) {
	all := newTenancy(t, ovh.Options{}, 2)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, seed))
	victim := all.places[0]
	intruder := all.user("intruder")
	k := all.key(intruder.ID)
	core := all.s3(victim.region, k)
	actions := []string{"s3:*", "s3:GetObject", "s3:List*", "*"}
	resources := []string{"arn:aws:s3:::tenant-1", "arn:aws:s3:::tenant-1/*", "arn:aws:s3:::tenant", "arn:aws:s3:::tenant-", "arn:aws:s3:::tenant-00/*", "arn:aws:s3:::other/*", "arn:aws:s3:::TENANT-0/*"}
	for range 60 {
		var statements []string
		for range 1 + dice.IntN(4) {
			effect := []string{"Allow", "Deny"}[dice.IntN(2)]
			statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Action":[%q],"Resource":[%q]}`, effect, actions[dice.IntN(len(actions))], resources[dice.IntN(len(resources))]))
		}
		document := `{"Statement":[` + strings.Join(statements, ",") + `]}`
		all.policy(intruder.ID, document)
		if _, err := read(t, core, victim.bucket, "secret"); code(err) != "AccessDenied" {
			t.Fatalf("under %s reading the neighbour's object gives %v", document, err)
		}
		if err := list(t, core, victim.bucket); code(err) != "AccessDenied" {
			t.Fatalf("under %s listing the neighbour's bucket gives %v", document, err)
		}
	}
}

// The reason why a workload must not own its bucket.
func TestAPolicyThatAllowsDoesNotConfineTheOwner(t *testing.T) {
	a := start(t, ovh.Options{})
	u := a.user("owner")
	a.bucket("GRA", "mine", u.ID, nil)
	a.bucket("GRA", "mine-too", u.ID, nil)
	a.policy(u.ID, scoped("mine"))
	core := a.s3("GRA", a.key(u.ID))
	if err := write(t, core, "mine-too", "o", "text"); err != nil {
		t.Errorf("the owner is confined by a policy that only allows: %v", err)
	}
	a.policy(u.ID, `{"Statement":[{"Effect":"Deny","Action":["s3:*"],"Resource":["arn:aws:s3:::mine-too","arn:aws:s3:::mine-too/*"]}]}`)
	if err := write(t, core, "mine-too", "o", "text"); code(err) != "AccessDenied" {
		t.Errorf("a denial does not confine the owner: %v", err)
	}
}

// The reason why a workload is denied the list of buckets.
func TestAListOfBucketsShowsTheWholeProject(t *testing.T) {
	all := newTenancy(t, ovh.Options{}, 3)
	curious := all.user("curious")
	found, err := all.s3("GRA", all.key(curious.ID)).ListBuckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range found {
		names = append(names, b.Name)
	}
	diff(t, "names in GRA", []string{"tenant-0", "tenant-2"}, names)
}

func TestWhatOpensObjectStorage(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "shelf", owner.ID, nil)
	core := a.s3("GRA", a.key(owner.ID))
	if err := write(t, core, "shelf", "o", "text"); err != nil {
		t.Fatal(err)
	}

	outsider := a.user("no role for it", "compute_operator")
	a.policy(outsider.ID, scoped("shelf"))
	without := a.s3("GRA", a.key(outsider.ID))
	if _, err := read(t, without, "shelf", "o"); code(err) != "AccessDenied" {
		t.Errorf("a user without the role reads: %v", err)
	}

	reader := a.user("reader")
	k := a.key(reader.ID)
	a.policy(reader.ID, scoped("shelf"))
	if _, err := read(t, a.s3("GRA", k), "shelf", "o"); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, a.s3("GRA", keyDocument{Access: k.Access, Secret: "wrong"}), "shelf", "o"); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret gives %v", err)
	}
	a.policy(reader.ID, `{"Statement":[]}`)
	if _, err := read(t, a.s3("GRA", k), "shelf", "o"); code(err) != "AccessDenied" {
		t.Errorf("after the policy was taken back: %v", err)
	}
	a.delete(fmt.Sprintf("/user/%d/s3Credentials/%s", reader.ID, k.Access))
	if _, err := read(t, a.s3("GRA", k), "shelf", "o"); code(err) != "InvalidAccessKeyId" {
		t.Errorf("after the key was deleted: %v", err)
	}
	last := a.key(reader.ID)
	a.delete(fmt.Sprintf("/user/%d", reader.ID))
	if _, err := read(t, a.s3("GRA", last), "shelf", "o"); code(err) != "InvalidAccessKeyId" {
		t.Errorf("after the user was deleted: %v", err)
	}
}

// The short cut to a policy, by role.
func TestABucketsRoles(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "shelf", owner.ID, nil)
	if err := write(t, a.s3("GRA", a.key(owner.ID)), "shelf", "o", "text"); err != nil {
		t.Fatal(err)
	}
	u := a.user("colleague")
	core := a.s3("GRA", a.key(u.ID))
	for _, test := range []struct{ role, read, write string }{
		{"readOnly", "", "AccessDenied"},
		{"readWrite", "", ""},
		{"admin", "", ""},
		{"deny", "AccessDenied", "AccessDenied"},
		{"readOnly", "", "AccessDenied"}, // each takes the place of the one before
	} {
		a.post(fmt.Sprintf("/region/GRA/storage/shelf/policy/%d", u.ID), document{"roleName": test.role}, nil)
		_, err := read(t, core, "shelf", "o")
		if code(err) != test.read {
			t.Errorf("%s reads: code %q, want %q", test.role, code(err), test.read)
		}
		if err := write(t, core, "shelf", "o", "text"); code(err) != test.write {
			t.Errorf("%s writes: code %q, want %q", test.role, code(err), test.write)
		}
	}
	wantStatus(t, a.Post(a.path("/region/GRA/storage/shelf/policy/%d", u.ID), document{"roleName": "king"}, nil), http.StatusBadRequest)
}

// In a local zone every key of the project sees everything and policies hold for
// nobody, as the vendor's page on their limits says.
func TestALocalZoneKnowsNoPolicies(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("EU-WEST-LZ-MRS-A", "open", owner.ID, nil)
	if err := write(t, a.s3("EU-WEST-LZ-MRS-A", a.key(owner.ID)), "open", "o", "text"); err != nil {
		t.Fatal(err)
	}
	u := a.user("neighbour")
	a.policy(u.ID, `{"Statement":[{"Effect":"Deny","Action":["s3:*"],"Resource":["*"]}]}`)
	if _, err := read(t, a.s3("EU-WEST-LZ-MRS-A", a.key(u.ID)), "open", "o"); err != nil {
		t.Errorf("a policy holds in a local zone: %v", err)
	}
}

func TestWhatS3ChangesTheAPITells(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	core := a.s3("SBG", a.key(owner.ID))
	if err := core.Client.MakeBucket(t.Context(), "by-s3", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := core.EnableVersioning(t.Context(), "by-s3"); err != nil {
		t.Fatal(err)
	}
	var seen document
	a.get("/region/SBG/storage/by-s3", &seen)
	if seen["ownerId"] != number(owner.ID) {
		t.Errorf("owner is %v, want %d", seen["ownerId"], owner.ID)
	}
	diff(t, "versioning", document{"status": "enabled"}, seen["versioning"])
	if b, ok := a.Region("SBG").Region.Bucket("by-s3"); !ok || b.Versioning != dataplane.VersioningEnabled {
		t.Errorf("the data plane's bucket is %+v", b)
	}
	if a.Region("GRA11") != nil || a.Region("ATLANTIS") != nil {
		t.Error("a region without object storage has a data plane")
	}
}

func TestAPIAndS3FailApart(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "shelf", owner.ID, nil)
	core := a.s3("GRA", a.key(owner.ID))

	a.Down()
	if err := a.Get("/cloud/project", nil); err == nil {
		t.Error("the API answers while it is down")
	}
	if err := write(t, core, "shelf", "o", "text"); err != nil {
		t.Errorf("S3 is down with the API: %v", err)
	}
	a.Up()
	a.Region("GRA").Faults().Down()
	if err := write(t, core, "shelf", "o", "text"); err == nil {
		t.Error("S3 answers while it is down")
	}
	a.get("/region/GRA", nil)
	a.Region("GRA").Faults().Up()
	if err := write(t, core, "shelf", "o", "text"); err != nil {
		t.Error(err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := ovh.New(t.Context(), ovh.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plane := s.Region("GRA")
	if plane == nil {
		t.Fatal("GRA has no data plane")
	}
	s.Close()
	s.Close()
	for _, address := range []string{strings.TrimPrefix(plane.URL, "http://"), strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/1.0")} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			conn.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

// The real store behind the data planes, as the demo has it.
func TestVersitygwKeepsTheObjects(t *testing.T) {
	store := harness.Versity(t)
	all := newTenancy(t, ovh.Options{Backend: ovh.Backend{
		Endpoint: store.Endpoint, AccessKey: store.AccessKey, SecretKey: store.SecretKey, Region: store.Region,
	}}, 2)
	first, second := all.places[0], all.places[1]
	if got, err := read(t, all.s3(first.region, first.key), first.bucket, "secret"); err != nil || got != first.bucket {
		t.Errorf("own object is %q (%v)", got, err)
	}
	if _, err := read(t, all.s3(second.region, first.key), second.bucket, "secret"); code(err) != "AccessDenied" {
		t.Errorf("neighbour's object: %v", err)
	}
	wantStatus(t, all.Delete(all.path("/region/%s/storage/%s", first.region, first.bucket), nil), http.StatusConflict)
	all.post(fmt.Sprintf("/region/%s/storage/%s/bulkDeleteObjects", first.region, first.bucket), document{"objects": []any{document{"key": "secret"}}}, nil)
	all.delete(fmt.Sprintf("/region/%s/storage/%s", first.region, first.bucket))
}
