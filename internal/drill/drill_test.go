package drill_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// scene is a dataset at a source, its copy, and a third operator.
type scene struct {
	t                      *testing.T
	sourceStore, copyStore *emulator.Server
	sandboxStore           *emulator.Server
	source, copied         drill.Copy
	sandbox                drill.Sandbox
	steps                  []drill.Step
	stepDone               func(drill.Step)
	objectives             drill.Objectives
	uid                    string
	permit, goOn           func(context.Context) error
	stores                 func(context.Context) ([]drill.Copy, error)
	signer                 func(context.Context) (ed25519.PrivateKey, error)
	key                    ed25519.PrivateKey
	chain                  *drill.Chain
	known                  []evidence.Link
	partBytes              int
}

func newScene(t *testing.T) *scene {
	t.Helper()
	key, err := evidence.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, uid: "uid", key: key, chain: &drill.Chain{}}
	s.signer = func(context.Context) (ed25519.PrivateKey, error) { return s.key, nil }
	s.sourceStore = emulator.Start(t, emulator.Options{})
	s.copyStore = emulator.Start(t, emulator.Options{})
	s.sandboxStore = emulator.Start(t, emulator.Options{VersityAdmin: true})
	s.sourceStore.CreateBucket("source")
	s.copyStore.CreateBucket("copy")
	s.permit = func(context.Context) error { return nil }
	s.goOn = s.permit
	s.stores = func(context.Context) ([]drill.Copy, error) { return []drill.Copy{s.copied, s.source}, nil }
	s.source = drill.Copy{Session: s.open(s.sourceStore, provider.Key{}), Bucket: "source", Operator: "mairie", Country: "FR"}
	s.copied = drill.Copy{Session: s.open(s.copyStore, provider.Key{}), Bucket: "copy", Operator: "ovh", Country: "FR"}
	s.sandbox = drill.Sandbox{
		Copy: drill.Copy{Session: s.open(s.sandboxStore, provider.Key{}), Bucket: "sandbox", Operator: "outscale", Country: "FR"},
		Mark: provider.Mark{Owner: "i/ns/actes/d", Signature: "s"}, Consumer: "rempart-sandbox",
		OpenWith: func(key provider.Key) (provider.Session, error) { return s.open(s.sandboxStore, key), nil },
	}
	return s
}

func (s *scene) document(kind, name string) evidence.Document {
	s.t.Helper()
	d, err := evidence.NewDocument(kind, name, map[string]any{"perimeter": "FR", "copies": 3})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// open opens a store with a key, or with the account's own.
func (s *scene) open(store *emulator.Server, key provider.Key) provider.Session {
	s.t.Helper()
	if key.AccessKey == "" {
		key = provider.Key{AccessKey: store.AccessKey, SecretKey: secret.New(store.SecretKey)}
	}
	session, err := s3.Driver{}.Open(provider.Place{
		Provider: "p", Location: "l", Endpoint: store.URL, Region: store.Region, Addressing: provider.PathStyle,
		CredentialAPI: provider.VersityCredentialAPI,
	}, provider.Credentials{provider.AccessKey: secret.New(key.AccessKey), provider.SecretKey: key.SecretKey})
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

func (s *scene) put(key, content string) {
	s.t.Helper()
	digest := sha256.Sum256([]byte(content))
	_, err := s.source.Session.Put(s.t.Context(), provider.Ref{Bucket: "source", Key: key}, provider.Content{
		Reader: bytes.NewReader([]byte(content)), Size: int64(len(content)), SHA256: hex.EncodeToString(digest[:]),
	}, provider.Attributes{ContentType: "text/plain"})
	if err != nil {
		s.t.Fatal(err)
	}
}

// putAt is an object that was stored a while ago.
func (s *scene) putAt(key, content string, ago time.Duration) {
	s.sourceStore.PutObjectDirect("source", emulator.Object{
		Key: key, Body: []byte(content), LastModified: time.Now().Add(-ago).Truncate(time.Millisecond),
	})
}

// replicate runs the mover from the source to the copy.
func (s *scene) replicate() {
	s.t.Helper()
	report, err := mover.Run(s.t.Context(), mover.Job{
		Source:  mover.End{Session: s.source.Session, Bucket: "source"},
		Target:  mover.End{Session: s.copied.Session, Bucket: "copy"},
		Options: mover.Options{OwnsTarget: true, Guard: mover.Guard{MaximumObjects: 10_000, MaximumPercent: 100}},
	})
	if err != nil || report.Result != mover.Complete {
		s.t.Fatalf("replicate: %+v, %v", report, err)
	}
}

func (s *scene) plan() drill.Plan {
	return drill.Plan{
		Names:  drill.Names{Installation: "i", Namespace: "ns", Drill: "d", UID: s.uid, Bucket: "actes", Dataset: "Actes", PolicyName: "p"},
		Source: s.source, From: s.copied, To: s.sandbox, Permit: s.permit, Continue: s.goOn, AskContinue: time.Millisecond,
		Stores: s.stores, AskAgain: time.Millisecond, Objectives: s.objectives, Version: "test",
		Signer: s.signer, Chain: s.chain, PartBytes: s.partBytes,
		Known:    func(context.Context) ([]evidence.Link, error) { return s.known, nil },
		Policies: []evidence.Document{s.document("SovereigntyPolicy", "p")}, Facts: []evidence.Document{s.document("Place", "p/l")},
	}
}

// run plays a drill, and verifies its evidence as far as it left any.
func (s *scene) run(ctx context.Context) drill.Outcome {
	s.t.Helper()
	outcome := drill.Run(ctx, s.plan(), func(step drill.Step) {
		s.steps = append(s.steps, step)
		if s.stepDone != nil {
			s.stepDone(step)
		}
	})
	s.verify(outcome)
	return outcome
}

// result is the answer of a check.
func result(outcome drill.Outcome, name string) drill.CheckResult {
	for _, check := range outcome.Checks {
		if check.Name == name {
			return check.Result
		}
	}
	return "absent"
}

func TestADrillPassesAndLeavesEvidenceWithTwoOperators(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte a")
	s.put("b/c", "acte b")
	s.replicate()
	s.objectives = drill.Objectives{RPO: time.Minute, RTO: time.Minute}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed || outcome.Err != nil {
		t.Fatalf("the outcome is %+v", outcome)
	}
	if diff := cmp.Diff([]drill.Step{drill.Preflight, drill.Restoring, drill.Verifying, drill.Reporting}, s.steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	measured := outcome.Measured
	if measured.Objects != 2 || measured.Bytes != 12 || *measured.RPO != 0 || *measured.RTO <= 0 || measured.Throughput() <= 0 {
		t.Errorf("measured %+v", measured)
	}
	stored := s.evidence(outcome)
	if len(stored) != 2 || !bytes.Equal(stored[0], stored[1]) {
		t.Fatalf("the evidence is stored %d times", len(stored))
	}
	digest := sha256.Sum256(stored[0])
	if got := "sha256:" + hex.EncodeToString(digest[:]); got != outcome.EvidenceDigest {
		t.Errorf("its digest is %s, told was %s", got, outcome.EvidenceDigest)
	}
	said := s.verify(outcome)
	if said.From.Operator != "ovh" || said.To.Operator != "outscale" || said.Snapshot.Objects != 2 || said.Verdict != drill.Passed {
		t.Errorf("the evidence says %+v", said)
	}
	if want := (evidence.Tally{Match: 2, MatchBytes: 12}); said.Manifest.Tally != want {
		t.Errorf("the manifest says %+v", said.Manifest.Tally)
	}
}

// evidence reads the evidence wherever the outcome says that it is.
func (s *scene) evidence(outcome drill.Outcome) [][]byte {
	s.t.Helper()
	var stored [][]byte
	for _, uri := range outcome.EvidenceURIs {
		if content, isThere := s.stored(uri); isThere {
			stored = append(stored, content)
		}
	}
	return stored
}

// stored reads a file of the evidence.
func (s *scene) stored(uri string) ([]byte, bool) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	for _, store := range []*emulator.Server{s.copyStore, s.sourceStore} {
		if object, isThere := store.Object(bucket, key); isThere {
			return object.Body, true
		}
	}
	return nil, false
}

// verify verifies the evidence at each store, with the public key alone, and gives
// what it says.
func (s *scene) verify(outcome drill.Outcome) evidence.Drill {
	s.t.Helper()
	var said evidence.Drill
	for _, uri := range outcome.EvidenceURIs {
		result := s.verifyAt(uri)
		if len(result.Problems) > 0 || !result.IsTrusted || result.KeyID != outcome.EvidenceKeyID {
			s.t.Fatalf("%s: trusted %t, problems %+v", uri, result.IsTrusted, result.Problems)
		}
		said = result.Statement.Predicate
	}
	return said
}

func (s *scene) verifyAt(uri string) evidence.Result {
	s.t.Helper()
	envelope, isThere := s.stored(uri)
	if !isThere {
		s.t.Fatalf("there is nothing at %s", uri)
	}
	public := s.key.Public().(ed25519.PublicKey)
	return evidence.Verify(uri, envelope, []ed25519.PublicKey{public}, func(part string) (io.ReadCloser, error) {
		content, isThere := s.stored(strings.TrimSuffix(uri, evidence.FileName) + part)
		if !isThere {
			return nil, errors.New("there is no such object")
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	})
}

// A drill may be deleted and made again under its name, and an operator that was
// restarted may begin one again that it had begun.
func TestEvidenceIsNeverOverwritten(t *testing.T) {
	for name, uids := range map[string][2]string{
		"of another drill of the same name": {"first", "second"},
		"of the same drill, played again":   {"first", "first"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.put("a", "acte a")
			s.replicate()
			var outcomes []drill.Outcome
			for _, uid := range uids {
				s.uid = uid
				outcomes = append(outcomes, s.run(t.Context()))
				if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
					t.Fatal(err)
				}
			}
			for _, outcome := range outcomes {
				stored := s.evidence(outcome)
				if len(stored) != 2 {
					t.Fatalf("the evidence is stored %d times, want 2: %q", len(stored), outcome.EvidenceURIs)
				}
				for _, found := range stored {
					digest := sha256.Sum256(found)
					if got := "sha256:" + hex.EncodeToString(digest[:]); got != outcome.EvidenceDigest {
						t.Errorf("the evidence has the digest %s, told was %s", got, outcome.EvidenceDigest)
					}
				}
			}
		})
	}
}

func TestTheSandboxHasAKeyOfItsOwn(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	if outcome := s.run(t.Context()); outcome.Verdict != drill.Passed {
		t.Fatalf("the outcome is %+v", outcome)
	}
	for _, request := range s.sandboxStore.Requests(func(r emulator.Request) bool { return r.Key == "a" }) {
		if request.AccessKey == s.sandboxStore.AccessKey {
			t.Errorf("the account's own key was used for %s %s", request.Method, request.Key)
		}
	}
	if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
		t.Fatal(err)
	}
	if len(s.sandboxStore.Buckets()) != 0 || len(s.sandboxStore.AccessKeys()) != 1 {
		t.Errorf("left: %v, %v", s.sandboxStore.Buckets(), s.sandboxStore.AccessKeys())
	}
	if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
		t.Errorf("cleaning up again: %v", err)
	}
}

// The first failures of a restore are all about keys; a later one is not, and the
// verification must not take its object for one that the copy lost.
func TestAFailureBehindManyOthersIsNoFinding(t *testing.T) {
	s := newScene(t)
	s.sandboxStore = emulator.Start(t, emulator.Options{VersityAdmin: true, RewriteKeys: true})
	s.sandbox.Session = s.open(s.sandboxStore, provider.Key{})
	for i := range 150 {
		s.putAt(fmt.Sprintf("a//%03d", i), "x", time.Minute)
	}
	s.put("z", "acte")
	s.replicate()
	s.sandboxStore.Faults().Add(emulator.Match{Operation: "PutObject", Key: "z"}, emulator.Fail(500, "InternalError"))
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Inconclusive || !strings.Contains(fmt.Sprint(outcome.Err), "151 objects failed") {
		t.Errorf("the verdict is %s: %v, checks %+v", outcome.Verdict, outcome.Err, outcome.Checks)
	}
}

func TestDrillsThatFindSomething(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(s *scene)
		fails string
	}{
		"another byte":    {func(s *scene) { s.corrupt("a", func(o *emulator.Object) { o.Body[0] ^= 1 }) }, "Integrity"},
		"other metadata":  {func(s *scene) { s.corrupt("a", func(o *emulator.Object) { o.Metadata = map[string]string{"x": "y"} }) }, "Integrity"},
		"other tags":      {func(s *scene) { s.corrupt("a", func(o *emulator.Object) { o.Tags = map[string]string{"x": "y"} }) }, "Integrity"},
		"a missing one":   {func(s *scene) { s.remove("a") }, "Completeness"},
		"one too many":    {func(s *scene) { s.copyStore.PutObjectDirect("copy", emulator.Object{Key: "z", Body: []byte("z")}) }, "Completeness"},
		"a slow recovery": {func(s *scene) { s.objectives.RTO = time.Nanosecond }, "RTO"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.put("a", "acte a")
			s.put("b", "acte b")
			s.replicate()
			test.spoil(s)
			outcome := s.run(t.Context())
			if outcome.Verdict != drill.Failed || outcome.Err != nil {
				t.Fatalf("the outcome is %+v", outcome)
			}
			for _, check := range outcome.Checks {
				if (check.Result == drill.Fail) != (check.Name == test.fails) {
					t.Errorf("%s: %s: %s", check.Name, check.Result, check.Message)
				}
			}
		})
	}
}

func (s *scene) corrupt(key string, change func(*emulator.Object)) {
	s.t.Helper()
	if err := s.copyStore.Corrupt("copy", key, change); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) remove(key string) {
	s.t.Helper()
	if err := s.copied.Session.Remove(s.t.Context(), provider.Ref{Bucket: "copy", Key: key}); err != nil {
		s.t.Fatal(err)
	}
}

func TestDrillsThatProveNothing(t *testing.T) {
	filled := func(s *scene) { s.put("a", "acte"); s.replicate() }
	for name, test := range map[string]struct {
		arrange func(s *scene)
		reason  string
	}{
		"an empty copy":                   {func(s *scene) { s.replicate() }, "holds no object"},
		"a copy that was never completed": {func(*scene) {}, "the manifest is not whole: no run has come to its end"},
		"a copy whose manifest is damaged": {
			func(s *scene) {
				filled(s)
				for _, key := range s.copyStore.Keys("copy") {
					if strings.HasSuffix(key, ".jsonl.gz") {
						s.corrupt(key, func(o *emulator.Object) { o.Body[len(o.Body)-1] ^= 1 })
					}
				}
			}, "manifest segment",
		},
		"the operator of the copy": {func(s *scene) { filled(s); s.sandbox.Operator = "ovh" }, "shows nothing about leaving it"},
		"a bucket that has the sandbox's name": {
			func(s *scene) { filled(s); s.sandboxStore.CreateBucket("sandbox") }, "has the name of the sandbox",
		},
		"a copy that cannot be read": {
			func(s *scene) {
				filled(s)
				s.copyStore.Faults().Add(emulator.Match{Operation: "GetObject", Key: "a"}, emulator.Fail(500, "InternalError"))
			}, "restore the copy",
		},
		"a sandbox whose store fails": {
			func(s *scene) {
				filled(s)
				s.sandboxStore.Faults().Add(emulator.Match{Operation: "PutObject"}, emulator.Fail(500, "InternalError"))
			}, "restore the copy",
		},
		"no source, and an objective for what it lacks": {
			func(s *scene) { filled(s); s.objectives.RPO = time.Minute; s.sourceStore.Faults().Down() }, "source did not answer",
		},
		"no place for the evidence": {
			func(s *scene) {
				filled(s)
				for _, store := range []*emulator.Server{s.copyStore, s.sourceStore} {
					store.Faults().Add(emulator.Match{Operation: "PutObject", KeyPrefix: ".rempart/evidence/"}, emulator.Fail(500, "InternalError"))
				}
			}, "could not be stored anywhere",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			test.arrange(s)
			outcome := s.run(t.Context())
			if outcome.Verdict != drill.Inconclusive || outcome.Err == nil || !strings.Contains(outcome.Err.Error(), test.reason) {
				t.Errorf("the verdict is %s, because of %v; want Inconclusive, %q", outcome.Verdict, outcome.Err, test.reason)
			}
			s.copyStore.Faults().Clear()
			s.sandboxStore.Faults().Clear()
			if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
				t.Errorf("clean up: %v", err)
			}
		})
	}
}

// A start may wait for hours, and what was allowed when the drill was planned may
// not be any more.
func TestNothingIsMadeWhereItIsForbidden(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	s.permit = func(context.Context) error {
		return fault.New(fault.Terminal, fault.Reason("OutsidePerimeter"), "outscale/x: GB is outside FR")
	}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Inconclusive || !fault.HasReason(outcome.Err, "OutsidePerimeter") || !strings.Contains(outcome.Err.Error(), "GB is outside FR") {
		t.Errorf("the verdict is %s: %v", outcome.Verdict, outcome.Err)
	}
	for _, request := range s.sandboxStore.Requests(func(r emulator.Request) bool { return r.Method != "GET" && r.Method != "HEAD" }) {
		t.Errorf("%s %s %s was sent to a place that is forbidden", request.Method, request.Bucket, request.Key)
	}
}

// Where evidence may go is found out when there is some: it holds keys of objects.
func TestEvidenceWaitsForAPlaceThatMayHaveIt(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	asked := 0
	s.stores = func(context.Context) ([]drill.Copy, error) {
		if asked++; asked < 3 {
			return nil, fault.New(fault.Waiting, fault.Suspended, "nobody may have it")
		}
		return []drill.Copy{s.source}, nil
	}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed || len(s.evidence(outcome)) != 1 {
		t.Errorf("the outcome is %+v", outcome)
	}
	if slices.ContainsFunc(s.copyStore.Keys("copy"), func(key string) bool { return strings.Contains(key, "evidence/") }) {
		t.Error("evidence is at a place that may not have it")
	}
}

func TestEvidenceWaitsNoLongerThanTheDrill(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	ctx, cancel := context.WithCancel(t.Context())
	s.stores = func(context.Context) ([]drill.Copy, error) {
		cancel()
		return nil, fault.New(fault.Waiting, fault.Suspended, "nobody may have it")
	}
	outcome := s.run(ctx)
	if outcome.Verdict != drill.Inconclusive || !strings.Contains(outcome.Err.Error(), "nobody may have it") || len(outcome.EvidenceURIs) > 0 {
		t.Errorf("the outcome is %+v", outcome)
	}
}

func TestWithoutASourceTheRestIsShown(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	s.sourceStore.Faults().Down()
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed || outcome.Measured.RPO != nil || result(outcome, "RPO") != drill.Skip {
		t.Errorf("the outcome is %+v", outcome)
	}
	want := []string{"RPO: the source does not answer", "evidence with a second operator: it is stored with one only"}
	for _, sentence := range want {
		if !slices.Contains(outcome.NotTested, sentence) {
			t.Errorf("not said: %q in %q", sentence, outcome.NotTested)
		}
	}
}

func TestADrillThatTakesTooLong(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	gate := make(chan struct{})
	defer close(gate)
	s.sandboxStore.Faults().Add(emulator.Match{Operation: "PutObject", Key: "a"}, emulator.Hold(gate))
	outcome := s.run(ctx)
	if outcome.Verdict != drill.Inconclusive || !errors.Is(outcome.Err, context.DeadlineExceeded) {
		t.Errorf("the verdict is %s: %v", outcome.Verdict, outcome.Err)
	}
	if len(outcome.EvidenceURIs) != 2 {
		t.Errorf("the evidence of a drill that took too long is at %v", outcome.EvidenceURIs)
	}
}

// A sandbox under object lock could not be removed. The drill makes none, whatever
// protects the copy, and does not begin where the store makes one by itself.
func TestASandboxIsNeverUnderLock(t *testing.T) {
	t.Run("though the copy is", func(t *testing.T) {
		s := newScene(t)
		s.copied.Bucket = "locked"
		want := provider.Bucket{Name: "locked", Versioning: provider.VersioningEnabled, Protection: provider.Protection{
			ObjectLock: true, Retention: provider.Retention{Mode: provider.Compliance, Days: 30},
		}}
		if err := errors.Join(s.copied.Session.CreateBucket(t.Context(), want), s.copied.Session.UpdateBucket(t.Context(), want)); err != nil {
			t.Fatal(err)
		}
		s.put("a", "acte")
		report, err := mover.Run(t.Context(), mover.Job{
			Source: mover.End{Session: s.source.Session, Bucket: "source"}, Target: mover.End{Session: s.copied.Session, Bucket: "locked"},
		})
		if err != nil || report.Result != mover.Complete {
			t.Fatalf("replicate: %+v, %v", report, err)
		}
		if outcome := s.run(t.Context()); outcome.Verdict != drill.Passed {
			t.Fatalf("the outcome is %+v", outcome)
		}
		if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
			t.Error(err)
		}
		if left := s.sandboxStore.Buckets(); len(left) > 0 {
			t.Errorf("left behind %+v", left)
		}
	})
	t.Run("where every bucket is", func(t *testing.T) {
		s := newScene(t)
		s.sandboxStore = emulator.Start(t, emulator.Options{VersityAdmin: true, LockNewBuckets: 30})
		s.sandbox.Session = s.open(s.sandboxStore, provider.Key{})
		s.put("a", "acte")
		s.replicate()
		outcome := s.run(t.Context())
		if outcome.Verdict != drill.Inconclusive || !fault.HasReason(outcome.Err, fault.PreflightFailed) ||
			!strings.Contains(outcome.Err.Error(), "COMPLIANCE for 30 days") {
			t.Errorf("the outcome is %+v", outcome)
		}
		if puts := s.sandboxStore.Count("PutObject"); puts > 0 {
			t.Errorf("put %d objects", puts)
		}
		if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
			t.Error(err)
		}
		if left := s.sandboxStore.Buckets(); len(left) > 0 {
			t.Errorf("left behind %+v", left)
		}
	})
}

func TestCleanupLeavesWhatIsNotTheSandbox(t *testing.T) {
	for name, arrange := range map[string]func(*scene){
		"another mark": func(s *scene) {
			s.sandboxStore.CreateBucket("sandbox")
			err := s.sandbox.Session.UpdateBucket(context.Background(), provider.Bucket{
				Name: "sandbox", Mark: provider.Mark{Owner: "somebody", Signature: "else"},
			})
			if err != nil {
				s.t.Fatal(err)
			}
		},
		"no mark and objects": func(s *scene) {
			s.sandboxStore.PutObjectDirect("sandbox", emulator.Object{Key: "precious", Body: []byte("x")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			arrange(s)
			if err := drill.Cleanup(t.Context(), s.sandbox); err != nil {
				t.Error(err)
			}
			if _, isThere := s.sandboxStore.Buckets()["sandbox"]; !isThere {
				t.Error("a bucket that is not the sandbox was removed")
			}
		})
	}
}

func TestNothingIsTestedThatIsNotSaid(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	s.sandbox.Session = unissuing{s.sandbox.Session}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed {
		t.Fatalf("the outcome is %+v", outcome)
	}
	want := []string{
		"a key of the sandbox alone: the provider issues none, so the account's own was used",
		drill.TagsNotTested,
		"object ACLs, which are not copied",
		"older versions of objects: the current ones are restored",
	}
	if diff := cmp.Diff(want, outcome.NotTested, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("not tested (-want +got):\n%s", diff)
	}
}

// Tags that change in place at the source show in no listing, so the copy has the
// old ones and the drill cannot know: it must not claim that they are right.
func TestTagsThatChangedAtTheSourceAreNotClaimed(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	if err := s.sourceStore.Corrupt("source", "a", func(o *emulator.Object) { o.Tags = map[string]string{"retention": "P75Y"} }); err != nil {
		t.Fatal(err)
	}
	s.replicate()
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed {
		t.Fatalf("the outcome is %+v", outcome)
	}
	if copied, _ := s.copyStore.Object("copy", "a"); len(copied.Tags) > 0 {
		t.Fatal("the tags are in the copy: what this test is about has changed")
	}
	if said := s.verify(outcome); !slices.Contains(said.NotTested, drill.TagsNotTested) {
		t.Errorf("the evidence does not say that such tags are not tested: %q", said.NotTested)
	}
	if !slices.Contains(outcome.NotTested, drill.TagsNotTested) || len(drill.TagsNotTested) > 256 {
		t.Errorf("not tested: %q", outcome.NotTested)
	}
}
