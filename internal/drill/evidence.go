package drill

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/provider"
)

// EvidenceFormat is the form of the evidence file.
const EvidenceFormat = "rempart.dev/drill-evidence/v1alpha1"

// Evidence is the file that a drill leaves behind. Its JSON is canonical: the
// fields in this order, two spaces of indentation, a line feed at the end.
type Evidence struct {
	Format   string `json:"format"`
	Software string `json:"software"`
	Names    Names  `json:"names"`
	// PolicyDigest is sha256:hex of the policy in force, as JSON.
	PolicyDigest string         `json:"policyDigest"`
	From         EvidenceCopy   `json:"from"`
	To           EvidenceCopy   `json:"to"`
	Decided      time.Time      `json:"decided"`
	Ended        time.Time      `json:"ended"`
	Objectives   EvidenceGoals  `json:"objectives"`
	Measured     EvidenceFigure `json:"measured"`
	// Manifest is what the copy held at the moment of loss: the digest of every key,
	// size, SHA-256 and metadata digest, as read from the source when it was copied.
	Manifest EvidenceManifest `json:"manifest"`
	// Changes are what the replication did meanwhile, and no findings.
	Changes   Changes         `json:"changes"`
	Checks    []Check         `json:"checks"`
	NotTested []string        `json:"notTested"`
	Findings  []mover.Finding `json:"findings,omitempty"`
	Verdict   Verdict         `json:"verdict"`
	Reason    string          `json:"reason,omitempty"`
}

// EvidenceCopy is a bucket that took part.
type EvidenceCopy struct {
	Provider string `json:"provider"`
	Location string `json:"location"`
	Operator string `json:"operator"`
	Country  string `json:"country"`
	Bucket   string `json:"bucket"`
}

// EvidenceGoals are the objectives, in seconds; 0 asked for nothing.
type EvidenceGoals struct {
	RPOSeconds float64 `json:"rpoSeconds"`
	RTOSeconds float64 `json:"rtoSeconds"`
}

// EvidenceFigure is what was measured.
type EvidenceFigure struct {
	RTOSeconds     *float64 `json:"rtoSeconds"`
	RPOSeconds     *float64 `json:"rpoSeconds"`
	RestoreSeconds float64  `json:"restoreSeconds"`
	VerifySeconds  float64  `json:"verifySeconds"`
	Objects        int64    `json:"objects"`
	Bytes          int64    `json:"bytes"`
	// ClockSkewSeconds is how far the source's clock was ahead of the operator's.
	ClockSkewSeconds float64 `json:"clockSkewSeconds"`
}

// EvidenceManifest names the manifest that was held against the restored objects.
type EvidenceManifest struct {
	Digest  string `json:"digest"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	// AsOf is the time on the source's clock when the run that wrote it began.
	AsOf time.Time `json:"asOf"`
}

// Encode gives the canonical form.
func (e Evidence) Encode() ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("encode the evidence: %w", err)
	}
	return encoded.Bytes(), nil
}

// evidence gathers what the drill found.
func (r *run) evidence() Evidence {
	policy := sha256.Sum256(r.Policy)
	evidence := Evidence{
		Format: EvidenceFormat, Software: "rempart " + r.Version, Names: r.Names,
		PolicyDigest: "sha256:" + hex.EncodeToString(policy[:]),
		From:         r.From.evidence(), To: r.To.evidence(),
		Decided: r.decided.UTC(), Ended: time.Now().UTC(),
		Objectives: EvidenceGoals{RPOSeconds: r.Objectives.RPO.Seconds(), RTOSeconds: r.Objectives.RTO.Seconds()},
		Measured:   r.outcome.Measured.evidence(),
		Checks:     r.outcome.Checks, NotTested: r.outcome.NotTested, Findings: r.audit.Findings,
		Changes: r.outcome.Changes, Verdict: r.outcome.Verdict,
	}
	if digest := r.known; digest != nil {
		evidence.Manifest = EvidenceManifest{
			Digest: digest.Sum(), Objects: digest.Count(), Bytes: digest.Bytes(), AsOf: r.snapshot.AsOf(),
		}
	}
	if r.outcome.Err != nil {
		evidence.Reason = r.outcome.Err.Error()
	}
	return evidence
}

func (c Copy) evidence() EvidenceCopy {
	place := c.Session.Place()
	return EvidenceCopy{
		Provider: place.Provider, Location: place.Location, Operator: c.Operator, Country: c.Country, Bucket: c.Bucket,
	}
}

func (m Measured) evidence() EvidenceFigure {
	return EvidenceFigure{
		RTOSeconds: seconds(m.RTO), RPOSeconds: seconds(m.RPO), RestoreSeconds: m.Restore.Seconds(), VerifySeconds: m.Verify.Seconds(),
		Objects: m.Objects, Bytes: m.Bytes, ClockSkewSeconds: m.Skew.Seconds(),
	}
}

func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	return new(d.Seconds())
}

// evidenceTimeout bounds the storing of evidence after the deadline of a drill.
const evidenceTimeout = time.Minute

// defaultAskAgain is how soon it is asked again where evidence may go.
const defaultAskAgain = 15 * time.Second

// storeEvidence stores the evidence in every place that may have it and takes it.
// It is enough that one does; fewer than two are said in the outcome. As long as no
// place may have it, it waits, until the drill's time is over.
func (r *run) storeEvidence(ctx context.Context) error {
	stores, err := r.places(ctx)
	if err != nil {
		return fmt.Errorf("the evidence could not be stored anywhere: %w", err)
	}
	encoded, err := r.evidence().Encode()
	if err != nil {
		return err
	}
	digest := sha256.Sum256(encoded)
	r.outcome.EvidenceDigest = "sha256:" + hex.EncodeToString(digest[:])
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), evidenceTimeout)
	defer cancel()
	var errs []error
	for _, store := range stores {
		ref := provider.Ref{Bucket: store.Bucket, Key: evidenceKey(r.Names, r.decided)}
		content := provider.Content{
			Reader: bytes.NewReader(encoded), Size: int64(len(encoded)), SHA256: hex.EncodeToString(digest[:]),
		}
		if _, err := store.Session.Put(ctx, ref, content, provider.Attributes{ContentType: "application/json"}); err != nil {
			errs = append(errs, fmt.Errorf("store the evidence at %s: %w", store.Session.Place(), err))
			continue
		}
		r.outcome.EvidenceURIs = append(r.outcome.EvidenceURIs, "s3://"+ref.Bucket+"/"+ref.Key)
	}
	if len(r.outcome.EvidenceURIs) == 0 {
		return errors.Join(append(errs, errors.New("the evidence could not be stored anywhere"))...)
	}
	if len(r.outcome.EvidenceURIs) < 2 {
		r.outcome.NotTested = append(r.outcome.NotTested, "evidence with a second operator: it is stored with one only")
	}
	return nil
}

// places gives where the evidence may go. It asks once also after the drill's time
// is over.
func (r *run) places(ctx context.Context) ([]Copy, error) {
	for {
		stores, err := r.Stores(context.WithoutCancel(ctx))
		if err == nil {
			return stores, nil
		}
		if !r.await(ctx) {
			return nil, err
		}
	}
}

// evidenceKey is where the evidence of a drill is kept in a bucket. No two drills
// share a key, nor do two attempts at one: evidence is never overwritten.
func evidenceKey(names Names, decided time.Time) string {
	return provider.ReservedPrefix + "evidence/" + names.Namespace + "/" + names.Drill + "/" +
		decided.UTC().Format("20060102T150405.000Z") + "-" + names.UID + ".json"
}
