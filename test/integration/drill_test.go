package integration

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/keyring"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// drillSpec makes a drill of the dataset.
func (w *world) drill(change ...func(*v1alpha1.ReversibilityDrillSpec)) *v1alpha1.ReversibilityDrill {
	w.t.Helper()
	d := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "drill-"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: "actes"}},
	}
	for _, f := range change {
		f(&d.Spec)
	}
	w.create(d)
	return d
}

func (w *world) awaitVerdict(d *v1alpha1.ReversibilityDrill, want v1alpha1.DrillVerdict) {
	w.t.Helper()
	w.eventually(func() error {
		w.get(d)
		if d.Status.Verdict == "" {
			return notYet("the drill is at %s: %v", d.Status.Progression, d.Status.Conditions)
		}
		return nil
	})
	if d.Status.Verdict != want {
		w.t.Fatalf("the verdict is %s, want %s: %+v", d.Status.Verdict, want, d.Status)
	}
}

func TestADrillThatPasses(t *testing.T) {
	w, stores, bucket := registersUnder(t, func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Drills.MaximumAge = &metav1.Duration{Duration: time.Hour}
	})
	w.await(bucket, v1alpha1.ConditionDrillCurrent, metav1.ConditionFalse, v1alpha1.ReasonDrillOverdue)
	w.await(bucket, v1alpha1.ConditionProtected, metav1.ConditionFalse)

	d := w.drill()
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	w.await(d, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDrillPassed)
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionDrillCurrent, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionProtected, metav1.ConditionTrue)
	if last := bucket.Status.LastDrill; last == nil || last.Verdict != v1alpha1.VerdictPassed || last.Name != d.Name {
		t.Errorf("the bucket shows the drill %+v", last)
	}
	effective := d.Status.Effective
	if effective.From.String() != "ovh/GRA" || effective.To.String() != "tds-outscale/eu-west-2" {
		t.Errorf("restored from %s to %s", effective.From, effective.To)
	}
	if m := d.Status.Measured; m.Objects != 20 || m.Bytes != 80 || *m.RTOSeconds < 1 || *m.RPOSeconds != 0 {
		t.Errorf("measured %+v", m)
	}
	if len(stores["tds-outscale"].Buckets()) != 0 || len(stores["tds-outscale"].AccessKeys()) != 1 {
		t.Errorf("left at the sandbox's store: %v, %v", stores["tds-outscale"].Buckets(), stores["tds-outscale"].AccessKeys())
	}
	w.wantEvidence(stores, d, drill.Passed)
	for store, server := range stores {
		for _, r := range server.Requests(func(r emulator.Request) bool { return strings.HasPrefix(r.Key, "registres/") && r.Method == "DELETE" }) {
			if r.Bucket != effective.To.BucketName {
				t.Errorf("the drill deleted something of the dataset at %s: %+v", store, r)
			}
		}
	}
}

// The application and the replication go on during drills: keys are rewritten, and
// others come and go.
func TestDrillsOfADatasetThatLives(t *testing.T) {
	w, stores, bucket := registersUnder(t, func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Objectives.RPO = &metav1.Duration{Duration: time.Hour} // what it lacks is not the point
	})
	session, name := w.application(bucket)
	stores["tds-outscale"].Faults().Add(emulator.Match{Operation: "PutObject"}, emulator.Latency(300*time.Millisecond))
	stores["tds-outscale"].Faults().Add(emulator.Match{Operation: "GetObject"}, emulator.Latency(300*time.Millisecond))
	ctx, stop := context.WithCancel(context.Background())
	var application sync.WaitGroup
	application.Go(func() {
		pace := time.NewTicker(30 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			<-pace.C
			put(t, session, name, fmt.Sprintf("registres/%04d", i%10), fmt.Sprintf("acte, %d", i))
			put(t, session, name, fmt.Sprintf("passager/%04d", i), "bientôt parti")
			if err := session.Remove(context.Background(), provider.Ref{Bucket: name, Key: fmt.Sprintf("passager/%04d", i-10)}); err != nil {
				t.Error(err)
			}
			if i%5 == 0 {
				w.sync(bucket.DeepCopy())
			}
		}
	})
	t.Cleanup(application.Wait)
	t.Cleanup(stop)
	changes := drill.Changes{}
	for range 4 {
		d := w.drill()
		w.awaitVerdict(d, v1alpha1.VerdictPassed)
		read := evidenceOf(t, stores["ovh"], d.Status.Evidence.URIs[0])
		changes.Newer += read.Changes.Newer
		changes.Between += read.Changes.Between
		changes.Gone += read.Changes.Gone
	}
	if changes.IsNone() {
		t.Error("nothing changed during the drills: this shows nothing")
	}
	t.Logf("during four drills: %+v", changes)
}

// evidenceOf reads evidence from a store.
func evidenceOf(t *testing.T, server *emulator.Server, uri string) evidence.Drill {
	t.Helper()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	object, isThere := server.Object(bucket, key)
	if !isThere {
		t.Fatalf("there is no evidence at %s", uri)
	}
	read, err := evidence.Read(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	return read.Predicate
}

// wantEvidence verifies the evidence where the drill says that it is, with the keys
// that the operator published: at two operators, the same at both.
func (w *world) wantEvidence(stores map[string]*emulator.Server, d *v1alpha1.ReversibilityDrill, verdict drill.Verdict) {
	t := w.t
	t.Helper()
	left := d.Status.Evidence
	if left == nil || len(left.URIs) != 2 {
		t.Fatalf("the evidence is %+v", left)
	}
	for i, store := range []string{"ovh", "onprem"} {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(left.URIs[i], "s3://"), "/")
		session := open(t, stores[store], stores[store].AccessKey, stores[store].SecretKey)
		file := func(name string) (io.ReadCloser, error) {
			body, _, err := session.Get(context.Background(), provider.Ref{Bucket: bucket, Key: name}, provider.GetOptions{})
			return body, err
		}
		stored := readAll(t, file, key)
		if got := sum(stored); got != left.Digest {
			t.Errorf("the evidence at %s has the digest %s, want %s", store, got, left.Digest)
		}
		result := evidence.Verify(left.URIs[i], stored, w.evidenceKeys(), func(part string) (io.ReadCloser, error) {
			return file(path.Dir(key) + "/" + part)
		})
		if len(result.Problems) > 0 || !result.IsTrusted || result.KeyID != left.KeyID {
			t.Fatalf("the evidence at %s is signed by %s, trusted %t, with the problems %+v", store, result.KeyID, result.IsTrusted, result.Problems)
		}
		said := result.Statement.Predicate
		if said.Verdict != verdict || said.Names.Drill != d.Name || said.Snapshot.Digest == "" || len(said.Policies) == 0 || len(said.Facts) < 2 {
			t.Errorf("the evidence says %+v", said)
		}
	}
}

func readAll(t testing.TB, open func(string) (io.ReadCloser, error), key string) []byte {
	t.Helper()
	body, err := open(key)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// evidenceKeys are the public keys that the operator published.
func (w *world) evidenceKeys() []ed25519.PublicKey {
	w.t.Helper()
	var published corev1.ConfigMap
	name := client.ObjectKey{Namespace: w.system, Name: keyring.ConfigMapName}
	if err := w.client.Get(context.Background(), name, &published); err != nil {
		w.t.Fatal(err)
	}
	var keys []ed25519.PublicKey
	for entry, text := range published.Data {
		read, err := evidence.ParsePublicKeys([]byte(text))
		if err != nil {
			w.t.Fatalf("%s: %v", entry, err)
		}
		keys = append(keys, read...)
	}
	return keys
}

func TestADrillFindsWhatIsWrongWithTheCopy(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(t *testing.T, server *emulator.Server, bucket string)
		check   string
		message string
	}{
		"one byte of one object is another": {
			func(t *testing.T, server *emulator.Server, bucket string) {
				if err := server.Corrupt(bucket, "registres/0007", func(o *emulator.Object) { o.Body[0] ^= 1 }); err != nil {
					t.Fatal(err)
				}
			}, "Integrity", `"registres/0007"`,
		},
		"an object is missing": {
			func(t *testing.T, server *emulator.Server, bucket string) {
				session := open(t, server, server.AccessKey, server.SecretKey)
				if err := session.Remove(context.Background(), provider.Ref{Bucket: bucket, Key: "registres/0008"}); err != nil {
					t.Fatal(err)
				}
			}, "Completeness", `"registres/0008"`,
		},
		"an object is there that should not be": {
			func(_ *testing.T, server *emulator.Server, bucket string) {
				server.PutObjectDirect(bucket, emulator.Object{Key: "registres/0008-bis", Body: []byte("x")})
			}, "Completeness", `"registres/0008-bis"`,
		},
		"the metadata of an object is another": {
			func(t *testing.T, server *emulator.Server, bucket string) {
				if err := server.Corrupt(bucket, "registres/0009", func(o *emulator.Object) { o.Headers = map[string]string{"Content-Type": "text/html"} }); err != nil {
					t.Fatal(err)
				}
			}, "Integrity", `"registres/0009"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores, bucket := registersUnder(t, func(s *v1alpha1.SovereigntyPolicySpec) {
				s.Objectives.RPO = &metav1.Duration{Duration: time.Hour} // no run sets it right meanwhile
			})
			test.spoil(t, stores["ovh"], w.replicas(bucket)["ovh/GRA"].Spec.BucketName)
			d := w.drill()
			w.awaitVerdict(d, v1alpha1.VerdictFailed)
			w.await(d, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDrillFailed)
			w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
			for _, check := range d.Status.Checks {
				if isIt := check.Name == test.check; isIt != (check.Result == v1alpha1.CheckFail) {
					t.Errorf("check %s: %s: %s", check.Name, check.Result, check.Message)
				} else if isIt {
					wantIn(t, check.Message, test.message)
				}
			}
			w.awaitEvent("DrillFailed", test.message)
			w.wantEvidence(stores, d, drill.Failed)
			w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
		})
	}
}

func TestDrillsThatProveNothing(t *testing.T) {
	t.Run("the copy is empty", func(t *testing.T) {
		w, _ := emulatedWorld(t)
		w.policy("etat-civil")
		bucket := w.bucket("actes", "etat-civil")
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
		d := w.drill()
		w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
		wantIn(t, w.await(d, v1alpha1.ConditionStalled, metav1.ConditionTrue).Message, "holds no object")
	})
	t.Run("the sandbox's provider fails half-way", func(t *testing.T) {
		w, stores, _ := registersUnder(t)
		stores["tds-outscale"].Faults().Add(emulator.Match{Operation: "PutObject", Skip: 5}, emulator.Fail(500, "InternalError"))
		d := w.drill()
		w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
		stores["tds-outscale"].Faults().Clear()
		w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
		wantNoBuckets(t, map[string]*emulator.Server{"tds-outscale": stores["tds-outscale"]})
	})
	t.Run("the target is at the operator of the copy", func(t *testing.T) {
		w, _, _ := registersUnder(t)
		d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
			s.To = &v1alpha1.DrillPlace{ProviderName: "ovh", Location: "GRA"}
		})
		w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
		wantIn(t, w.await(d, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPreflightFailed).Message, "shows nothing about leaving it")
	})
	t.Run("the target is outside the perimeter", func(t *testing.T) {
		w, stores, _ := registersUnder(t)
		d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
			s.To = &v1alpha1.DrillPlace{ProviderName: "ovh", Location: "BHS"}
		})
		w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
		wantIn(t, w.await(d, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter).Message, "CA is outside FR")
		if n := len(stores["ovh"].Buckets()); n != 1 {
			t.Errorf("%d buckets at ovh, want the copy alone", n)
		}
	})
}

// holding has drills restore and not come to an end until release is called, as
// many as may be played at a time.
func (w *world) holding(at *emulator.Server, drills int) (release func()) {
	w.t.Helper()
	gate := make(chan struct{})
	release = sync.OnceFunc(func() { close(gate) })
	w.t.Cleanup(release)
	at.Faults().Add(emulator.Match{Operation: "PutObject", KeyPrefix: "registres/"}, emulator.Hold(gate))
	for range drills {
		d := w.drill()
		w.eventually(func() error {
			if w.get(d); d.Status.Progression != v1alpha1.ProgressionRestoring {
				return notYet("the drill does not restore: %+v", d.Status)
			}
			return nil
		})
	}
	return release
}

// Whatever a drill waits for, it ends soon after its deadline.
func TestDrillsEndAtTheirDeadline(t *testing.T) {
	w, stores, _ := registersUnder(t)
	w.holding(stores["tds-outscale"], 2)
	short := func(s *v1alpha1.ReversibilityDrillSpec) { s.Deadline = &metav1.Duration{Duration: time.Minute} }
	noTurn := w.drill(short)
	noBucket := w.drill(short, func(s *v1alpha1.ReversibilityDrillSpec) { s.BucketRef.Name = "never" })
	noCopy := w.drill(short, func(s *v1alpha1.ReversibilityDrillSpec) { s.From = &v1alpha1.DrillPlace{ProviderName: "nobody"} })
	w.await(noBucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound)
	w.await(noCopy, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPreflightFailed)
	w.await(noTurn, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	for name, d := range map[string]*v1alpha1.ReversibilityDrill{
		"the bucket never comes": noBucket, "the copy never comes": noCopy, "its turn never comes": noTurn,
	} {
		w.eventuallyWithin(2*time.Minute, func() error {
			w.get(d)
			if d.Status.Verdict == "" {
				return notYet("%s: the drill is at %s: %v", name, d.Status.Progression, d.Status.Conditions)
			}
			return nil
		})
		w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
		w.await(d, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded)
		w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
		late := d.Status.CompletionTime.Sub(d.CreationTimestamp.Time) - time.Minute
		if late < 0 || late > 10*time.Second {
			t.Errorf("%s: it ended %s after its deadline", name, late)
		}
	}
}

// A start may wait for hours. What was allowed by then is asked again right before
// something is written.
func TestADrillThatBecomesIllegalWhileItWaits(t *testing.T) {
	w, stores, bucket := registersUnder(t)
	release := w.holding(stores["tds-outscale"], 2)
	d := w.drill()
	w.eventually(func() error {
		if w.get(d); d.Status.Effective == nil {
			return notYet("the drill is not planned")
		}
		return nil
	})
	var target v1alpha1.SovereignProvider
	target.Name = d.Status.Effective.To.ProviderName
	w.update(&target, func() { target.Spec.AllowedNamespaces = nil })
	w.eventually(func() error { // the operator knows it
		w.get(bucket)
		for _, candidate := range bucket.Status.Candidates {
			isRefused := slices.ContainsFunc(candidate.Objections, func(o v1alpha1.ObjectionStatus) bool {
				return o.Reason == v1alpha1.ReasonNamespaceNotAllowed
			})
			if candidate.ProviderName == target.Name && isRefused {
				return nil
			}
		}
		return notYet("the candidates are %+v", bucket.Status.Candidates)
	})
	release()
	w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
	wantIn(t, w.await(d, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed).Message, target.Name)
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	for _, r := range stores[target.Name].Requests(func(r emulator.Request) bool { return r.Method == "PUT" }) {
		if r.Bucket == d.Status.Effective.To.BucketName {
			t.Errorf("%s %s was sent to a place that is forbidden", r.Method, r.Key)
		}
	}
}

// Evidence holds keys of objects. It goes where they may be when it is written.
func TestEvidenceGoesToCompliantCopiesOnly(t *testing.T) {
	w, stores, bucket := registersUnder(t)
	release := w.holding(stores["tds-outscale"], 1)
	var drills v1alpha1.ReversibilityDrillList
	if err := w.client.List(context.Background(), &drills, client.InNamespace(w.namespace)); err != nil || len(drills.Items) != 1 {
		t.Fatalf("%d drills, %v", len(drills.Items), err)
	}
	d := &drills.Items[0]
	var forbidden v1alpha1.SovereignProvider
	forbidden.Name = "ovh"
	w.update(&forbidden, func() { forbidden.Spec.AllowedNamespaces = nil })
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	w.eventually(func() error {
		replica := w.replicas(bucket)["ovh/GRA"]
		if ready := meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionReady); ready == nil || ready.Status == metav1.ConditionTrue {
			return notYet("the copy at ovh is %v", ready)
		}
		return nil
	})
	release()
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	if d.Status.Evidence == nil || len(d.Status.Evidence.URIs) == 0 {
		t.Errorf("the evidence is %+v", d.Status.Evidence)
	}
	isEvidence := func(r emulator.Request) bool {
		return r.Method == "PUT" && strings.Contains(r.Key, ".rempart/evidence/")
	}
	if sent := stores["ovh"].Requests(isEvidence); len(sent) > 0 {
		t.Errorf("evidence was sent where it may not be: %+v", sent)
	}
	if sent := stores["onprem"].Requests(isEvidence); len(sent) != 2 {
		t.Errorf("on premises, %d files of evidence were sent, want the manifest and the envelope", len(sent))
	}
}

// A provider that is needed to remove a sandbox stays until that is done.
func TestAProviderStaysAsLongAsASandboxDoes(t *testing.T) {
	w, stores, _ := registersUnder(t)
	d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
		s.Sandbox = v1alpha1.Sandbox{CleanupPolicy: v1alpha1.CleanupRetain}
	})
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	target := &v1alpha1.SovereignProvider{}
	target.Name = d.Status.Effective.To.ProviderName
	w.delete(target)
	wantIn(t, w.await(target, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked).Message, w.namespace+"/"+d.Name)
	w.delete(d)
	w.awaitGone(d)
	w.awaitGone(target)
	wantNoBuckets(t, map[string]*emulator.Server{target.Name: stores[target.Name]})
}

// With the provider or its credentials gone for good, nobody can remove the
// sandbox. Then somebody may say so.
func TestASandboxThatNobodyCanRemoveIsLeftOnSomebodysWord(t *testing.T) {
	for name, test := range map[string]struct {
		lose func(w *world, provider string)
		says string
	}{
		"the Secret is gone": {
			func(w *world, provider string) {
				w.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: provider}})
			}, "Secret tds-outscale does not exist",
		},
		"the provider is gone": {
			func(w *world, provider string) {
				target := &v1alpha1.SovereignProvider{}
				target.Name = provider
				w.delete(target)
				w.update(target, func() { target.Finalizers = nil })
				w.awaitGone(target)
			}, "SovereignProvider tds-outscale does not exist",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores, _ := registersUnder(t)
			d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
				s.Sandbox = v1alpha1.Sandbox{CleanupPolicy: v1alpha1.CleanupRetain}
			})
			w.awaitVerdict(d, v1alpha1.VerdictPassed)
			to := d.Status.Effective.To
			test.lose(w, to.ProviderName)
			w.delete(d)
			w.eventually(func() error {
				says := w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionFalse, v1alpha1.ReasonCleanupPending).Message
				if !strings.Contains(says, test.says) || !strings.Contains(says, v1alpha1.AbandonSandboxAnnotation+" to "+to.BucketName) {
					return notYet("it says %q", says)
				}
				return nil
			})
			w.annotate(d, v1alpha1.AbandonSandboxAnnotation, to.BucketName)
			w.awaitGone(d)
			w.awaitEvent(v1alpha1.ReasonSandboxAbandoned, "bucket "+to.BucketName+" at tds-outscale/eu-west-2 was left behind")
			if _, isThere := stores[to.ProviderName].Buckets()[to.BucketName]; !isThere {
				t.Error("the sandbox is gone: this shows nothing")
			}
		})
	}
}

func TestASandboxMayStayForAWhile(t *testing.T) {
	w, stores, _ := registersUnder(t)
	d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
		s.Sandbox = v1alpha1.Sandbox{CleanupPolicy: v1alpha1.CleanupRetain, TTL: &metav1.Duration{Duration: 5 * time.Second}}
	})
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionFalse, v1alpha1.ReasonCleanupPending)
	if held := userKeys(stores["tds-outscale"], d.Status.Effective.To.BucketName); len(held) != 20 {
		t.Errorf("the sandbox holds %d objects, want 20", len(held))
	}
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	wantNoBuckets(t, map[string]*emulator.Server{"tds-outscale": stores["tds-outscale"]})
}

func TestADeletedDrillLeavesNothingBehind(t *testing.T) {
	w, stores, _ := registersUnder(t)
	gate := make(chan struct{})
	defer close(gate)
	hold := stores["tds-outscale"].Faults().Add(emulator.Match{Operation: "PutObject", Skip: 3, Times: 1}, emulator.Hold(gate))
	d := w.drill()
	w.eventually(func() error {
		if hold.Hits() == 0 {
			return notYet("the drill does not restore")
		}
		return nil
	})
	w.delete(d)
	w.awaitGone(d)
	wantNoBuckets(t, map[string]*emulator.Server{"tds-outscale": stores["tds-outscale"]})
}

// Without a key to sign with, no drill begins; with one, it goes on by itself. The
// key that was replaced stays known, and the row of evidence goes on under the new one.
func TestDrillsAreSignedOrWait(t *testing.T) {
	w, stores, _ := registersUnder(t)
	first := w.drill()
	w.awaitVerdict(first, v1alpha1.VerdictPassed)
	w.wantEvidence(stores, first, drill.Passed)

	kept := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: keyring.SecretName}}
	w.update(kept, func() { kept.Data[keyring.PrivateKey] = []byte("motdepasse") })
	second := w.drill()
	ready := w.await(second, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSigningKeyInvalid)
	wantIn(t, ready.Message, w.system+"/"+keyring.SecretName)
	if strings.Contains(ready.Message, "motdepasse") {
		t.Errorf("it tells what the Secret holds: %s", ready.Message)
	}
	if held := stores["tds-outscale"].Buckets(); len(held) > 0 && second.Status.Progression != v1alpha1.ProgressionPreflight {
		t.Errorf("a drill that cannot be signed is at %s: %v", second.Status.Progression, held)
	}

	if err := w.client.Delete(context.Background(), kept); err != nil {
		t.Fatal(err)
	}
	w.awaitVerdict(second, v1alpha1.VerdictPassed)
	w.wantEvidence(stores, second, drill.Passed)
	if before, after := first.Status.Evidence.KeyID, second.Status.Evidence.KeyID; before == after || before == "" {
		t.Errorf("signed with %s, and after the key was changed with %s", before, after)
	}
	if known := w.evidenceKeys(); len(known) != 2 {
		t.Errorf("%d keys are known, want both", len(known))
	}
	previous := evidenceOf(t, stores["ovh"], second.Status.Evidence.URIs[0]).Previous
	if previous == nil || previous.Digest != first.Status.Evidence.Digest {
		t.Errorf("it follows %+v, want %s", previous, first.Status.Evidence.Digest)
	}
}
