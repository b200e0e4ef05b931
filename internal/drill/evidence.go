package drill

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/mover"
)

// statement gathers what the drill found.
func (r *run) statement(previous *evidence.Link) evidence.Statement {
	said := evidence.Drill{
		Software: evidence.Software{Name: "rempart", Version: r.Version}, Names: r.Names, Previous: previous, Scenario: "Restore",
		Source: r.Source.evidence(), From: r.From.evidence(), To: r.To.evidence(),
		Decided: r.decided.UTC().Round(0), Ended: r.ended,
		Objectives: evidence.Objectives{RPOSeconds: r.Objectives.RPO.Seconds(), RTOSeconds: r.Objectives.RTO.Seconds()},
		Measured:   r.outcome.Measured.evidence(), Verdict: r.outcome.Verdict,
		Checks: r.outcome.Checks, NotTested: r.outcome.NotTested, Findings: findings(r.audit.Findings),
		Changes: r.outcome.Changes, Manifest: r.record.manifest, Policies: list(r.Policies), Facts: list(r.Facts),
		Environment: evidence.Environment{Runtime: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH},
	}
	if digest := r.known; digest != nil {
		said.Snapshot = evidence.Snapshot{Digest: digest.Sum(), Objects: digest.Count(), Bytes: digest.Bytes(), AsOf: r.snapshot.AsOf()}
	}
	if r.outcome.Err != nil {
		said.Reason = r.outcome.Err.Error()
	}
	return evidence.Statement{Predicate: said}
}

func findings(found []mover.Finding) []evidence.Finding {
	said := make([]evidence.Finding, 0, len(found))
	for _, f := range found {
		said = append(said, evidence.Finding(f))
	}
	return said
}

// list keeps an empty list a list in JSON.
func list(documents []evidence.Document) []evidence.Document {
	return append([]evidence.Document{}, documents...)
}

func (c Copy) evidence() evidence.Place {
	place := c.Session.Place()
	return evidence.Place{
		Provider: place.Provider, Location: place.Location, Operator: c.Operator, Country: c.Country, Bucket: c.Bucket,
	}
}

func (m Measured) evidence() evidence.Measured {
	return evidence.Measured{
		RTOSeconds: seconds(m.RTO), RPOSeconds: seconds(m.RPO), RestoreSeconds: m.Restore.Seconds(), VerifySeconds: m.Verify.Seconds(),
		Objects: m.Objects, Bytes: m.Bytes, BytesPerSecond: m.Throughput(),
		FullExitSeconds:  seconds(m.RTO), // everything was restored, so it takes what the drill took
		ClockSkewSeconds: m.Skew.Seconds(),
	}
}

func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	return new(d.Seconds())
}

// evidenceTimeout bounds the storing of one file of the evidence, and the look for
// what came before it at one store, after the deadline of a drill too.
const evidenceTimeout = time.Minute

// defaultAskAgain is how soon it is asked again where evidence may go.
const defaultAskAgain = 15 * time.Second

// notary is what evidence needs beside what was found.
type notary struct {
	stores []Copy
	key    ed25519.PrivateKey
	known  []evidence.Link
}

// storeEvidence signs the evidence and stores it in every place that may have it and
// takes it. It is enough that one does; fewer than two are said in the outcome. As
// long as no place may have it, or nobody can sign it, it waits, until the drill's
// time is over.
func (r *run) storeEvidence(ctx context.Context) error {
	notary, err := r.findNotary(ctx)
	if err != nil {
		return fmt.Errorf("the evidence could not be stored anywhere: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	row := r.Chain.of(r.Names)
	row.mu.Lock()
	defer row.mu.Unlock()
	previous, err := row.latest(ctx, r.Names, notary.known, notary.stores)
	if err != nil {
		return fmt.Errorf("the evidence could not be stored anywhere: %w", err)
	}
	if err := r.record.check(ctx); err != nil {
		r.outcome.NotTested = append(r.outcome.NotTested, "a verdict on each object: the sandbox held what was found, and does not answer")
		r.record.forget()
	}
	r.ended = time.Now().UTC().Round(0)
	envelope, err := evidence.Sign(ctx, r.statement(previous), notary.key)
	if err != nil {
		return err
	}
	link := evidence.Link{Name: nameOf(r.Names, r.ended, previous), Digest: evidence.Digest(envelope)}
	r.outcome.EvidenceDigest = link.Digest
	var errs []error
	for _, store := range notary.stores {
		if err := r.storeAt(ctx, store, link.Name, envelope); err != nil {
			errs = append(errs, fmt.Errorf("store the evidence at %s: %w", store.Session.Place(), err))
			continue
		}
		r.outcome.EvidenceURIs = append(r.outcome.EvidenceURIs, "s3://"+store.Bucket+"/"+keyOf(link.Name, evidence.FileName))
	}
	if len(r.outcome.EvidenceURIs) == 0 {
		return errors.Join(append(errs, errors.New("the evidence could not be stored anywhere"))...)
	}
	row.last = &link
	public, _ := notary.key.Public().(ed25519.PublicKey) // Sign has seen that it is one
	r.outcome.EvidenceKeyID = evidence.KeyID(public)
	if len(r.outcome.EvidenceURIs) < 2 {
		r.outcome.NotTested = append(r.outcome.NotTested, "evidence with a second operator: it is stored with one only")
	}
	return nil
}

// storeAt stores the parts of the manifest and then the envelope, so that whoever
// finds that finds all of it.
func (r *run) storeAt(ctx context.Context, store Copy, name string, envelope []byte) error {
	within := func(do func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
		defer cancel()
		return do(ctx)
	}
	for _, part := range r.record.manifest.Parts {
		err := within(func(ctx context.Context) error {
			content, err := r.record.read(ctx, part)
			if err != nil {
				return err
			}
			return put(ctx, store.Session, store.ref(keyOf(name, part.Name)), content, manifestType)
		})
		if err != nil {
			return err
		}
	}
	return within(func(ctx context.Context) error {
		return put(ctx, store.Session, store.ref(keyOf(name, evidence.FileName)), envelope, envelopeType)
	})
}

// findNotary gives where the evidence may go and who signs it. It asks once also
// after the drill's time is over.
func (r *run) findNotary(ctx context.Context) (notary, error) {
	for {
		found, err := r.askForNotary(context.WithoutCancel(ctx))
		if err == nil {
			return found, nil
		}
		if !r.await(ctx) {
			return notary{}, err
		}
	}
}

func (r *run) askForNotary(ctx context.Context) (notary, error) {
	stores, err := r.Stores(ctx)
	if err != nil {
		return notary{}, err
	}
	key, err := r.Signer(ctx)
	if err != nil {
		return notary{}, err
	}
	known, err := r.Known(ctx)
	return notary{stores, key, known}, err
}
