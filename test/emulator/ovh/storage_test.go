package ovh_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/replication"

	"github.com/rempart/rempart/test/emulator/ovh"
	"github.com/rempart/rempart/test/emulator/s3"
)

func TestABucketFromBeginningToEnd(t *testing.T) {
	a := start(t, ovh.Options{})
	u := a.user("owner")
	made := a.bucket("GRA", "actes", u.ID, document{
		"versioning": document{"status": "enabled"}, "encryption": document{"sseAlgorithm": "AES256"},
		"tags": document{"rempart-owner": "etat-civil"},
	})
	if made["createdAt"] != "0001-01-01T00:00:00Z" {
		t.Errorf("the answer to POST has the creation time %v: that was to be wrong", made["createdAt"])
	}
	var seen document
	a.get("/region/GRA/storage/actes", &seen)
	created, err := time.Parse(time.RFC3339, seen["createdAt"].(string))
	if err != nil || time.Since(created).Abs() > time.Minute {
		t.Errorf("creation time is %v", seen["createdAt"])
	}
	delete(seen, "createdAt")
	diff(t, "bucket", document{
		"name": "actes", "region": "GRA", "ownerId": number(u.ID), "virtualHost": "https://actes.s3.gra.io.cloud.ovh.net/",
		"objectsCount": number(0), "objectsSize": number(0), "objects": []any{},
		"versioning": document{"status": "enabled"}, "encryption": document{"sseAlgorithm": "AES256"},
		"objectLock": document{"status": "disabled"}, "replication": document{"rules": []any{}},
		"tags": document{"rempart-owner": "etat-civil"},
	}, seen)

	a.put("/region/GRA/storage/actes", document{"tags": document{"other": "tag"}})
	a.get("/region/GRA/storage/actes", &seen)
	diff(t, "tags", document{"other": "tag"}, seen["tags"])
	diff(t, "versioning, which was not sent", document{"status": "enabled"}, seen["versioning"])

	a.put("/region/GRA/storage/actes", document{"versioning": document{"status": "suspended"}, "encryption": document{"sseAlgorithm": "plaintext"}})
	a.get("/region/GRA/storage/actes", &seen)
	diff(t, "versioning", document{"status": "suspended"}, seen["versioning"])
	diff(t, "encryption", document{"sseAlgorithm": "plaintext"}, seen["encryption"])

	a.delete("/region/GRA/storage/actes")
	wantStatus(t, a.Get(a.path("/region/GRA/storage/actes"), nil), http.StatusNotFound)
	wantStatus(t, a.Delete(a.path("/region/GRA/storage/actes"), nil), http.StatusNotFound)
	wantStatus(t, a.Put(a.path("/region/GRA/storage/actes"), document{}, nil), http.StatusNotFound)
	diff(t, "regions that were started", []string{"GRA"}, a.Running())
}

// number is how go-ovh decodes numbers of unknown types.
func number(n any) any { return jsonNumber(fmt.Sprint(n)) }

func TestABucketsDefaultsAreTheVendors(t *testing.T) {
	a := start(t, ovh.Options{})
	made := a.bucket("GRA", "plain", a.user("owner").ID, nil)
	diff(t, "versioning", document{"status": "disabled"}, made["versioning"])
	diff(t, "encryption", document{"sseAlgorithm": "plaintext"}, made["encryption"])
	diff(t, "object lock", document{"status": "disabled"}, made["objectLock"])
}

func TestAListLacksWhatBucketsAreLike(t *testing.T) {
	a := start(t, ovh.Options{})
	a.bucket("GRA", "listed", a.user("owner").ID, document{"versioning": document{"status": "enabled"}, "tags": document{"a": "b"}})
	var all []document
	a.get("/region/GRA/storage", &all)
	if len(all) != 1 || all[0]["name"] != "listed" {
		t.Fatalf("list is %v", all)
	}
	for _, lacking := range []string{"versioning", "encryption", "tags", "objectLock", "replication", "lifecycle"} {
		if _, ok := all[0][lacking]; ok {
			t.Errorf("the list tells %s", lacking)
		}
	}
	a.get("/region/SBG/storage", &all)
	diff(t, "the other region", []document{}, all)
}

func TestObjectLockIsForGood(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner").ID
	lock := document{"status": "enabled", "rule": document{"mode": "governance", "period": "P7D"}}
	made := a.bucket("GRA", "locked", owner, document{"objectLock": lock})
	diff(t, "lock, with its period normalised", document{"status": "enabled", "rule": document{"mode": "governance", "period": "P1W"}}, made["objectLock"])
	diff(t, "versioning, which comes with it", document{"status": "enabled"}, made["versioning"])
	a.put("/region/GRA/storage/locked", document{"objectLock": lock, "tags": document{"a": "b"}})

	a.bucket("GRA", "free", owner, nil)
	tests := map[string]struct {
		bucket string
		body   document
	}{
		"it cannot be added later":        {"free", document{"objectLock": document{"status": "enabled"}}},
		"it cannot be taken away":         {"locked", document{"objectLock": document{"status": "disabled"}}},
		"its period cannot be changed":    {"locked", document{"objectLock": document{"status": "enabled", "rule": document{"mode": "governance", "period": "P1D"}}}},
		"its mode cannot be changed":      {"locked", document{"objectLock": document{"status": "enabled", "rule": document{"mode": "compliance", "period": "P7D"}}}},
		"its rule cannot be taken away":   {"locked", document{"objectLock": document{"status": "enabled"}}},
		"versions have to stay with it":   {"locked", document{"versioning": document{"status": "suspended"}}},
		"versions cannot be undone":       {"locked", document{"versioning": document{"status": "disabled"}}},
		"a mode has to be one of the two": {"locked", document{"objectLock": document{"status": "enabled", "rule": document{"mode": "eternal", "period": "P1D"}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, a.Put(a.path("/region/GRA/storage/%s", test.bucket), test.body, nil), http.StatusBadRequest)
		})
	}
}

func TestNamesBelongToOneCustomerOnly(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner").ID
	a.bucket("GRA", "taken", owner, nil)
	a.TakeName("strangers")
	for name, test := range map[string]struct{ region, bucket string }{
		"a name in the same region":      {"GRA", "taken"},
		"a name in another region":       {"SBG", "taken"},
		"a name that a stranger's taken": {"GRA", "strangers"},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, a.Post(a.path("/region/%s/storage", test.region), document{"name": test.bucket, "ownerId": owner}, nil), http.StatusConflict)
		})
	}
	for _, bad := range []string{"ab", "Capitals", "two--marks", "two..marks", "192.168.1.1", "-a-", strings.Repeat("a", 64), "under_score"} {
		wantStatus(t, a.Post(a.path("/region/GRA/storage"), document{"name": bad, "ownerId": owner}, nil), http.StatusBadRequest)
	}
}

func TestBucketsOfTheProjectAreLimited(t *testing.T) {
	a := start(t, ovh.Options{BucketQuota: 2})
	owner := a.user("owner")
	a.bucket("GRA", "first", owner.ID, nil)
	a.bucket("SBG", "second", owner.ID, nil)
	err := a.Post(a.path("/region/RBX/storage"), document{"name": "third", "ownerId": owner.ID}, nil)
	wantStatus(t, err, http.StatusForbidden)
	if err := a.s3("RBX", a.key(owner.ID)).Client.MakeBucket(t.Context(), "third", minio.MakeBucketOptions{}); code(err) != "TooManyBuckets" {
		t.Errorf("through S3 the error is %v, want TooManyBuckets", err)
	}
	a.delete("/region/SBG/storage/second")
	a.bucket("RBX", "third", owner.ID, nil)
}

// Thread zeitlos/lucity#95 shows this answer, right after the user was made.
func TestAnOwnerHasToBeThere(t *testing.T) {
	a := start(t, ovh.Options{UserDelay: time.Hour})
	var made userDocument
	a.post("/user", document{"roles": []string{"objectstore_operator"}}, &made)
	for _, id := range []int64{made.ID, 1} {
		err := a.Post(a.path("/region/GRA/storage"), document{"name": "ownerless", "ownerId": id}, nil)
		wantStatus(t, err, http.StatusNotFound)
		if got, want := apiError(t, err).Message, fmt.Sprintf("not found: user %d not found", id); got != want {
			t.Errorf("message is %q, want %q", got, want)
		}
	}
}

func TestABucketHasToBeEmptyToGo(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "full", owner.ID, document{"versioning": document{"status": "enabled"}})
	core := a.s3("GRA", a.key(owner.ID))
	for i := range 3 {
		if err := write(t, core, "full", "one", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := core.RemoveObject(t.Context(), "full", "one", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a.Delete(a.path("/region/GRA/storage/full"), nil), http.StatusConflict)

	// As the vendor's Terraform provider empties a bucket: page by page, by version.
	for {
		var page []struct {
			Key       string `json:"key"`
			VersionID string `json:"versionId"`
		}
		a.get("/region/GRA/storage/full/object?withVersions=true&limit=2", &page)
		if len(page) == 0 {
			break
		}
		if len(page) > 2 {
			t.Fatalf("page has %d objects, want at most 2", len(page))
		}
		var answer struct {
			Deleted []any `json:"deleted"`
			Errors  []any `json:"errors"`
		}
		a.post("/region/GRA/storage/full/bulkDeleteObjects", document{"objects": page}, &answer)
		if len(answer.Deleted) != len(page) || len(answer.Errors) > 0 {
			t.Fatalf("answer is %+v", answer)
		}
	}
	a.delete("/region/GRA/storage/full")
}

func TestALifecycleIsReplacedAndTakenAway(t *testing.T) {
	a := start(t, ovh.Options{})
	a.bucket("GRA", "aging", a.user("owner").ID, nil)
	path := "/region/GRA/storage/aging/lifecycle"
	rules := []any{
		document{"id": "b", "status": "enabled", "filter": document{"prefix": "logs/"}, "expiration": document{"days": 30}},
		document{"id": "a", "status": "disabled", "abortIncompleteMultipartUpload": document{"daysAfterInitiation": 7}},
	}
	a.put(path, document{"rules": rules})
	var seen struct {
		Rules []struct{ ID, Status string }
	}
	a.get(path, &seen)
	if len(seen.Rules) != 2 || seen.Rules[0].ID != "a" || seen.Rules[1].ID != "b" {
		t.Errorf("rules are %+v, want them sorted by id", seen.Rules)
	}
	for name, bad := range map[string]document{
		"no id":                {"status": "enabled", "expiration": document{"days": 1}},
		"no day":               {"id": "a", "status": "enabled", "expiration": document{"days": 0}},
		"too many versions":    {"id": "a", "status": "enabled", "noncurrentVersionExpiration": document{"noncurrentDays": 1, "newerNoncurrentVersions": 101}},
		"an abort with a tag":  {"id": "a", "status": "enabled", "filter": document{"tags": document{"a": "b"}}, "abortIncompleteMultipartUpload": document{"daysAfterInitiation": 1}},
		"a marker with days":   {"id": "a", "status": "enabled", "expiration": document{"expiredObjectDeleteMarker": true, "days": 1}},
		"a status of its own":  {"id": "a", "status": "on", "expiration": document{"days": 1}},
		"nothing that it does": {"id": "a", "status": "enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, a.Put(a.path("%s", path), document{"rules": []any{bad}}, nil), http.StatusBadRequest)
		})
	}
	a.delete(path)
	a.get(path, &seen)
	if len(seen.Rules) != 0 {
		t.Errorf("rules are %+v after they were deleted", seen.Rules)
	}
}

func TestReplicationGoesWhereItIsTold(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner").ID
	a.bucket("GRA", "source", owner, nil)
	rule := document{"id": "r1", "priority": 1, "status": "enabled", "deleteMarkerReplication": "disabled", "destination": document{"name": "target", "region": "SBG"}}
	path := "/region/GRA/storage/source"
	wantStatus(t, a.Put(a.path("%s", path), document{"replication": document{"rules": []any{rule}}}, nil), http.StatusBadRequest)
	a.put(path, document{"versioning": document{"status": "enabled"}, "replication": document{"rules": []any{rule}}})
	var seen document
	a.get(path, &seen)
	diff(t, "replication", document{"rules": []any{document{
		"id": "r1", "priority": number(1), "status": "enabled", "deleteMarkerReplication": "disabled", "destination": document{"name": "target", "region": "SBG"},
	}}}, seen["replication"])
	a.get("/region/SBG/storage/target", &seen)
	if seen["ownerId"] != number(owner) {
		t.Errorf("the destination's owner is %v, want %d", seen["ownerId"], owner)
	}
	a.post(path+"/job/replication", nil, nil)
	var jobs []document
	a.get(path+"/job/replication", &jobs)
	if len(jobs) != 1 {
		t.Errorf("jobs are %v", jobs)
	}
	rule["destination"] = document{"name": "target", "region": "ATLANTIS"}
	wantStatus(t, a.Put(a.path("%s", path), document{"replication": document{"rules": []any{rule}}}, nil), http.StatusBadRequest)
	a.put(path, document{"replication": document{"rules": []any{}}})
	a.get(path, &seen)
	diff(t, "replication", document{"rules": []any{}}, seen["replication"])
}

func TestABucketThatCannotBeFinishedIsNotMade(t *testing.T) {
	a := start(t, ovh.Options{})
	rule := func(id, target, region string) document {
		return document{"id": id, "status": "enabled", "destination": document{"name": target, "region": region}}
	}
	wantStatus(t, a.Post(a.path("/region/GRA/storage"), document{
		"name": "source", "ownerId": a.user("owner").ID, "versioning": document{"status": "enabled"},
		"replication": document{"rules": []any{rule("r1", "target", "SBG"), rule("r2", "far", "ATLANTIS")}},
	}, nil), http.StatusBadRequest)
	wantStatus(t, a.Get(a.path("/region/GRA/storage/source"), nil), http.StatusNotFound)
	wantStatus(t, a.Get(a.path("/region/SBG/storage/target"), nil), http.StatusNotFound)
}

func TestPeriodsComeBackAsTheVendorHasThem(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner").ID
	for sent, want := range map[string]string{"P7D": "P1W", "P14D": "P2W", "P30D": "P30D", "P1Y": "P365D", "P1M2W": "P44D"} {
		made := a.bucket("GRA", "of-"+strings.ToLower(sent), owner, document{
			"objectLock": document{"status": "enabled", "rule": document{"mode": "governance", "period": sent}},
		})
		diff(t, sent, document{"status": "enabled", "rule": document{"mode": "governance", "period": want}}, made["objectLock"])
	}
}

func TestSomebodyAddsReplicationAtTheConsole(t *testing.T) {
	a := start(t, ovh.Options{})
	a.bucket("GRA", "watched", a.user("owner").ID, nil)
	if err := a.AddReplication("watched", "BHS"); err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Replication struct {
			Rules []struct {
				Status      string
				Destination struct{ Name, Region string }
			}
		}
	}
	a.get("/region/GRA/storage/watched", &seen)
	rules := seen.Replication.Rules
	if len(rules) != 1 || rules[0].Status != "enabled" || rules[0].Destination.Region != "BHS" {
		t.Fatalf("rules are %+v", rules)
	}
	a.get("/region/BHS/storage/"+rules[0].Destination.Name, nil)
	if err := a.AddReplication("nowhere", "BHS"); err == nil {
		t.Error("replication of a bucket that does not exist was added")
	}
}

func TestWhatIsAskedOfABucketIsHeldAgainstTheAPI(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner").ID
	for name, body := range map[string]document{
		"versioning of another kind":    {"versioning": document{"status": "on"}},
		"encryption of another kind":    {"encryption": document{"sseAlgorithm": "aws:kms"}},
		"a period that is none":         {"objectLock": document{"status": "enabled", "rule": document{"mode": "governance", "period": "30 days"}}},
		"a lock without versions":       {"objectLock": document{"status": "enabled"}, "versioning": document{"status": "disabled"}},
		"a rule without a lock":         {"objectLock": document{"status": "disabled", "rule": document{"mode": "governance", "period": "P1D"}}},
		"replication without versions":  {"replication": document{"rules": []any{document{"id": "r", "status": "enabled", "destination": document{"name": "far", "region": "SBG"}}}}},
		"replication without an id":     {"versioning": document{"status": "enabled"}, "replication": document{"rules": []any{document{"status": "enabled", "destination": document{"name": "far", "region": "SBG"}}}}},
		"replication without a target":  {"versioning": document{"status": "enabled"}, "replication": document{"rules": []any{document{"id": "r", "status": "enabled"}}}},
		"replication of marks and tags": {"versioning": document{"status": "enabled"}, "replication": document{"rules": []any{document{"id": "r", "status": "enabled", "deleteMarkerReplication": "enabled", "filter": document{"tags": document{"a": "b"}}, "destination": document{"name": "far", "region": "SBG"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			body["name"], body["ownerId"] = "asked", owner
			wantStatus(t, a.Post(a.path("/region/GRA/storage"), body, nil), http.StatusBadRequest)
		})
	}
	wantStatus(t, a.Get(a.path("/region/GRA/storage/asked"), nil), http.StatusNotFound)
	wantStatus(t, a.Post(a.path("/region/GRA11/storage"), document{"name": "asked", "ownerId": owner}, nil), http.StatusBadRequest)
}

func TestABucketIsSeenLater(t *testing.T) {
	clock := &ticking{at: time.Now()}
	a := start(t, ovh.Options{Clock: clock.now})
	a.SetUserDelay(0)
	owner := a.user("owner").ID
	a.SetVisibility(time.Minute)
	a.bucket("GRA", "soon", owner, nil)
	wantStatus(t, a.Get(a.path("/region/GRA/storage/soon"), nil), http.StatusNotFound)
	var all []document
	a.get("/region/GRA/storage", &all)
	diff(t, "list", []document{}, all)
	clock.advance(time.Minute)
	a.get("/region/GRA/storage/soon", nil)
}

func TestABucketWithoutAnOwnerIsTheOldestUsers(t *testing.T) {
	a := start(t, ovh.Options{})
	a.user("may not store", "compute_operator")
	oldest := a.user("oldest")
	a.user("younger")
	var seen document
	a.post("/region/GRA/storage", document{"name": "orphan"}, nil)
	a.get("/region/GRA/storage/orphan", &seen)
	if seen["ownerId"] != number(oldest.ID) {
		t.Errorf("owner is %v, want %d", seen["ownerId"], oldest.ID)
	}
}

func TestReplicationThatWasSetThroughS3HasARegion(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	versions := document{"versioning": document{"status": "enabled"}}
	a.bucket("GRA", "near", owner.ID, versions)
	a.bucket("BHS", "far", owner.ID, versions)
	err := a.s3("GRA", a.key(owner.ID)).SetBucketReplication(t.Context(), "near", replication.Config{
		Role: "arn:aws:iam::" + a.Project + ":role/s3-replication",
		Rules: []replication.Rule{{
			ID: "by-s3", Priority: 1, Status: replication.Enabled, Destination: replication.Destination{Bucket: "arn:aws:s3:::far"},
			DeleteMarkerReplication: replication.DeleteMarkerReplication{Status: replication.Disabled},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Replication struct {
			Rules []struct{ Destination struct{ Name, Region string } }
		}
	}
	a.get("/region/GRA/storage/near", &seen)
	if rules := seen.Replication.Rules; len(rules) != 1 || rules[0].Destination.Name != "far" || rules[0].Destination.Region != "BHS" {
		t.Errorf("rules are %+v", rules)
	}
}

// Names are unique across regions also when two ask at once.
func TestANameIsGivenOnce(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner").ID
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		region := []string{"GRA", "SBG", "RBX", "DE"}[i%4]
		// A client of go-ovh writes to itself with every call.
		c := client(t, a.Server, a.ApplicationKey, a.ApplicationSecret, a.Server.ConsumerKey)
		all.Go(func() {
			if c.Post(a.path("/region/%s/storage", region), document{"name": "wanted", "ownerId": owner}, nil) == nil {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("the name was given %d times", n)
	}
}

// A bucket that goes while it is counted is missing from the list, and the list is
// not refused for it.
func TestAListWhileABucketIsDeleted(t *testing.T) {
	for name, list := range map[string]string{"the list": "/region/GRA/storage", "the quota": "/region/GRA/quota/storage"} {
		t.Run(name, func(t *testing.T) {
			store := s3.Start(t, s3.Options{})
			a := start(t, ovh.Options{Backend: ovh.Backend{
				Endpoint: store.URL, AccessKey: store.AccessKey, SecretKey: store.SecretKey, Region: store.Region,
			}})
			owner := a.user("operator")
			a.bucket("GRA", "goes", owner.ID, nil)
			a.bucket("GRA", "stays", owner.ID, nil)
			gate := make(chan struct{})
			held := store.Faults().Add(s3.Match{Operation: "ListObjectsV2", Bucket: "goes", Times: 1}, s3.Hold(gate))
			answered := make(chan error, 1)
			go func() { answered <- a.Get(a.path("%s", list), nil) }()
			for held.Hits() == 0 {
				time.Sleep(time.Millisecond)
			}
			a.delete("/region/GRA/storage/goes")
			close(gate)
			if err := <-answered; err != nil {
				t.Error(err)
			}
		})
	}
}
