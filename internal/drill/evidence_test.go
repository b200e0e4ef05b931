package drill_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// cleanUp removes the sandbox, so that another drill can be played.
func (s *scene) cleanUp() {
	s.t.Helper()
	if err := drill.Cleanup(s.t.Context(), s.sandbox); err != nil {
		s.t.Fatal(err)
	}
}

// manifest reads all lines of the manifest that belongs to evidence.
func (s *scene) manifest(outcome drill.Outcome) []evidence.Object {
	s.t.Helper()
	var objects []evidence.Object
	uri := outcome.EvidenceURIs[0]
	for _, part := range s.verify(outcome).Manifest.Parts {
		content, _ := s.stored(strings.TrimSuffix(uri, evidence.FileName) + part.Name)
		for line := range bytes.Lines(content) {
			var object evidence.Object
			if err := json.Unmarshal(line, &object); err != nil {
				s.t.Fatal(err)
			}
			objects = append(objects, object)
		}
	}
	return objects
}

func TestTheManifestHasAVerdictOnEveryObject(t *testing.T) {
	s := newScene(t)
	for _, key := range []string{"a", "b", "c", "d"} {
		s.put(key, "acte "+key)
	}
	s.replicate()
	s.corrupt("b", func(o *emulator.Object) { o.Body[0] ^= 1 })
	s.remove("c")
	s.copyStore.PutObjectDirect("copy", emulator.Object{Key: "e", Body: []byte("four")})
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Failed {
		t.Fatalf("the outcome is %+v", outcome)
	}
	got := map[string]evidence.ObjectVerdict{}
	for _, object := range s.manifest(outcome) {
		got[object.Key] = object.Verdict
		switch {
		case object.Key == "b" && (object.Found == nil || object.Found.SHA256 == object.SHA256 || object.SHA256 == ""):
			t.Errorf("it does not say what was found: %+v", object)
		case object.Key == "e" && object.Size != 4:
			t.Errorf("it says of what nobody expects %+v", object)
		case object.Key == "a" && (object.Size != 6 || object.SHA256 == "" || object.MetadataDigest == ""):
			t.Errorf("it says of what is right %+v", object)
		}
	}
	want := map[string]evidence.ObjectVerdict{
		"a": evidence.Match, "b": evidence.Different, "c": evidence.Missing, "d": evidence.Match, "e": evidence.Extra,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The parts but the last one wait in the sandbox, and never in memory together.
func TestALargeManifestIsStoredInParts(t *testing.T) {
	s := newScene(t)
	for i := range 60 {
		s.putAt(fmt.Sprintf("acte/%03d", i), "x", time.Minute)
	}
	s.replicate()
	s.partBytes = 2000
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed {
		t.Fatalf("the outcome is %+v", outcome)
	}
	said := s.verify(outcome)
	if len(said.Manifest.Parts) < 4 || len(s.manifest(outcome)) != 60 {
		t.Errorf("%d parts with %d lines", len(said.Manifest.Parts), len(s.manifest(outcome)))
	}
	for _, part := range said.Manifest.Parts {
		if part.Size > 2000 {
			t.Errorf("%s has %d bytes", part.Name, part.Size)
		}
	}
	waited := 0
	for _, key := range s.sandboxStore.Keys("sandbox") {
		if strings.HasPrefix(key, ".rempart/evidence/manifest-") {
			waited++
		}
	}
	if waited != len(said.Manifest.Parts)-1 {
		t.Errorf("%d parts waited in the sandbox, want all but the last of %d", waited, len(said.Manifest.Parts))
	}
}

func TestEvidenceOfADrillThatWasStoppedWithItsSandbox(t *testing.T) {
	s := newScene(t)
	for i := range 200 {
		s.putAt(fmt.Sprintf("acte/%03d", i), "x", time.Minute)
	}
	s.replicate()
	s.partBytes = 2000
	s.sandboxStore.Faults().Add(emulator.Match{Operation: "GetObject", Key: "acte/150"}, emulator.Fail(500, "InternalError"))
	s.sandboxStore.Faults().Add(emulator.Match{Operation: "GetObject", KeyPrefix: ".rempart/evidence/"}, emulator.Fail(500, "InternalError"))
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Inconclusive || len(outcome.EvidenceURIs) != 2 {
		t.Fatalf("the outcome is %+v", outcome)
	}
	said := s.verify(outcome)
	if said.Manifest.IsComplete || said.Manifest.Tally != (evidence.Tally{}) || !strings.Contains(strings.Join(said.NotTested, "; "), "a verdict on each object") {
		t.Errorf("the evidence says %+v, not tested %q", said.Manifest, said.NotTested)
	}
}

func TestEvidenceOfABucketIsARow(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	var results []evidence.Result
	var outcomes []drill.Outcome
	for i := range 4 {
		s.uid = fmt.Sprintf("uid-%d", i)
		if i == 2 {
			s.chain = &drill.Chain{} // the operator was restarted, and finds what the stores hold
		}
		outcome := s.run(t.Context())
		s.cleanUp()
		outcomes = append(outcomes, outcome)
		results = append(results, s.verifyAt(outcome.EvidenceURIs[0]))
	}
	for i, result := range results {
		previous := result.Statement.Predicate.Previous
		switch {
		case i == 0 && previous != nil:
			t.Errorf("the first follows %+v", previous)
		case i > 0 && (previous == nil || previous.Digest != outcomes[i-1].EvidenceDigest):
			t.Errorf("evidence %d follows %+v, want %s", i, previous, outcomes[i-1].EvidenceDigest)
		}
	}
	if problems := evidence.VerifyChain(results); len(problems) > 0 {
		t.Errorf("problems %+v", problems)
	}
	without := []evidence.Result{results[0], results[1], results[3]}
	if problems := evidence.VerifyChain(without); len(problems) != 1 || problems[0].Where != results[3].Name {
		t.Errorf("one is taken out, and the problems are %+v", problems)
	}
}

// What the cluster remembers of the last evidence counts, whatever a store holds: so
// what was changed or removed there shows.
func TestEvidenceThatWasTamperedWithAtTheStoresShowsInTheNext(t *testing.T) {
	for name, tamper := range map[string]func(s *scene, store *emulator.Server, bucket, key string){
		"changed": func(s *scene, store *emulator.Server, bucket, key string) {
			if err := store.Corrupt(bucket, key, func(o *emulator.Object) { o.Body[40] ^= 1 }); err != nil {
				s.t.Fatal(err)
			}
		},
		"removed": func(s *scene, store *emulator.Server, bucket, key string) {
			holder := s.copied
			if store == s.sourceStore {
				holder = s.source
			}
			if err := holder.Session.Remove(s.t.Context(), provider.Ref{Bucket: bucket, Key: key}); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.put("a", "acte")
			s.replicate()
			first := s.run(t.Context())
			s.cleanUp()
			link, isOne := drill.LinkTo(first.EvidenceURIs[0], first.EvidenceDigest)
			if !isOne {
				t.Fatalf("%s is no evidence", first.EvidenceURIs[0])
			}
			s.known, s.chain, s.uid = []evidence.Link{link}, &drill.Chain{}, "second"
			for i, store := range []*emulator.Server{s.copyStore, s.sourceStore} {
				bucket, key, _ := strings.Cut(strings.TrimPrefix(first.EvidenceURIs[i], "s3://"), "/")
				tamper(s, store, bucket, key)
			}
			if said := s.verify(s.run(t.Context())); said.Previous == nil || *said.Previous != link {
				t.Errorf("it follows %+v, want %+v", said.Previous, link)
			}
		})
	}
}

func TestDrillsOfOneBucketAtOnceDoNotFork(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	outcomes := make([]drill.Outcome, 4)
	var drills sync.WaitGroup
	for i := range outcomes {
		plan := s.plan()
		plan.Names.UID = fmt.Sprintf("uid-%d", i) // all but one end at once: they find that the sandbox is taken
		drills.Go(func() { outcomes[i] = drill.Run(t.Context(), plan, func(drill.Step) {}) })
	}
	drills.Wait()
	var results []evidence.Result
	first := 0
	for _, outcome := range outcomes {
		result := s.verifyAt(outcome.EvidenceURIs[0])
		if result.Statement.Predicate.Previous == nil {
			first++
		}
		results = append(results, result)
	}
	if problems := evidence.VerifyChain(results); len(problems) > 0 || first != 1 {
		t.Errorf("%d are the first, problems %+v", first, problems)
	}
}

func TestADrillThatNobodyCanSignProvesNothing(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	s.signer = func(context.Context) (ed25519.PrivateKey, error) {
		return nil, fault.New(fault.Waiting, fault.SigningKeyInvalid, "the Secret holds no key")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	outcome := s.run(ctx)
	if outcome.Verdict != drill.Inconclusive || !fault.HasReason(outcome.Err, fault.SigningKeyInvalid) {
		t.Errorf("the verdict is %s: %v", outcome.Verdict, outcome.Err)
	}
	if len(outcome.EvidenceURIs) > 0 || len(outcome.EvidenceDigest) > 0 {
		t.Errorf("evidence that nobody signed is at %v", outcome.EvidenceURIs)
	}
}

// A key may be set right, or changed, while a drill goes on.
func TestADrillWaitsForItsSigner(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte")
	s.replicate()
	asked := 0
	s.signer = func(context.Context) (ed25519.PrivateKey, error) {
		if asked++; asked < 3 {
			return nil, fault.New(fault.Waiting, fault.SigningKeyInvalid, "the Secret holds no key")
		}
		return s.key, nil
	}
	if outcome := s.run(t.Context()); outcome.Verdict != drill.Passed || asked != 3 {
		t.Errorf("the verdict is %s after %d times: %v", outcome.Verdict, asked, outcome.Err)
	}
}
