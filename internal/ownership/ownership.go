// Package ownership knows what Rempart's buckets are called and whose they are:
// names that are legal everywhere and derived from what they stand for, and marks
// that only this installation can make.
//
// Nothing in it depends on UIDs, so a dataset restored from a Git repository or a
// backup finds its buckets again. It is pure.
//
// Start reading at Installation.
package ownership

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rempart/rempart/internal/provider"
)

// Installation is one installation of Rempart. It outlives its pods and its
// cluster: keep ID and Key over a reinstallation and it knows its buckets again.
type Installation struct {
	// ID tells installations on one account apart.
	ID string
	// Key signs the marks. It is secret.
	Key []byte
}

// Owner is what a bucket belongs to.
type Owner struct {
	Namespace, Name string
	// Drill is the name of the drill whose sandbox it is; empty for a copy of
	// the dataset.
	Drill string
}

// owner gives the text that a mark carries.
func (i Installation) owner(o Owner) string {
	text := i.ID + "/" + o.Namespace + "/" + o.Name
	if o.Drill != "" {
		text += "/" + o.Drill
	}
	return text
}

// Mark gives the mark of a bucket. The bucket's name is signed with it, so that
// a mark copied to another bucket is worth nothing there.
func (i Installation) Mark(o Owner, bucketName string) provider.Mark {
	owner := i.owner(o)
	return provider.Mark{Owner: owner, Signature: i.sign(owner, bucketName)}
}

func (i Installation) sign(owner, bucketName string) string {
	mac := hmac.New(sha256.New, i.Key)
	_, _ = fmt.Fprintf(mac, "mark\n%s\n%s\n", owner, bucketName)
	return hex.EncodeToString(mac.Sum(nil))
}

// Standing says whose a bucket is.
type Standing string

// Standings. Unmarked buckets carry no mark, Mine carry ours for this owner;
// Strangers carry another owner's, or one that we did not sign.
const (
	Mine     Standing = "Mine"
	Unmarked Standing = "Unmarked"
	Stranger Standing = "Stranger"
)

// Judge tells whose a bucket is.
func (i Installation) Judge(mark *provider.Mark, o Owner, bucketName string) Standing {
	if mark == nil {
		return Unmarked
	}
	want := i.Mark(o, bucketName)
	if mark.Owner == want.Owner && hmac.Equal([]byte(mark.Signature), []byte(want.Signature)) {
		return Mine
	}
	return Stranger
}

// Place is where a bucket goes, as its name depends on it.
type Place struct {
	Provider, Location string
	// Attempt counts up when a name turns out to be taken by a stranger.
	Attempt int
}

// BucketName derives the name of a bucket: the dataset's or drill's name as far
// as it is legal, and a digest of everything that it stands for. It has 3 to 63
// lower-case letters, digits and single hyphens, and is no IP address.
func (i Installation) BucketName(o Owner, at Place) string {
	readable := o.Name
	if o.Drill != "" {
		readable = "drill-" + o.Drill
	}
	digest := i.digest("bucket", o, at)
	return legal(readable, maximumName-len(digest)-1) + "-" + digest
}

// Consumer derives the name under which a drill's key is issued at a provider.
func (i Installation) Consumer(o Owner, at Place) string {
	return "rempart-" + i.digest("consumer", o, at)
}

// KeySlots is how many keys an access may have at a place at once.
const KeySlots = 2

// AccessConsumer derives the name under which a key of an access is issued at a
// provider. Each of the KeySlots has its own, so that a new key can be issued
// while the old one goes on working.
func (i Installation) AccessConsumer(o Owner, at Place, access string, slot int) string {
	return "rempart-" + i.digest("access", o, at, access, strconv.Itoa(slot))
}

// AccessID derives a short name for an access to a bucket that is legal as a
// label's value.
func (i Installation) AccessID(o Owner, access string) string {
	return i.digest("access id", o, Place{}, access)
}

const maximumName = 63

// digest is 13 characters of base 32: 65 bits.
func (i Installation) digest(purpose string, o Owner, at Place, more ...string) string {
	hash := sha256.New()
	for _, part := range slices.Concat([]string{purpose, i.ID, o.Namespace, o.Name, o.Drill, at.Provider, at.Location}, more) {
		_, _ = fmt.Fprintf(hash, "%d:%s\n", len(part), part)
	}
	_, _ = fmt.Fprintf(hash, "%d", at.Attempt)
	return strings.ToLower(base32.StdEncoding.EncodeToString(hash.Sum(nil)))[:13]
}

// legal keeps what is legal in a bucket name everywhere: lower-case letters,
// digits and single hyphens, beginning with a letter or digit.
func legal(name string, length int) string {
	var kept strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			kept.WriteRune(r)
		case kept.Len() > 0 && !strings.HasSuffix(kept.String(), "-"):
			kept.WriteByte('-')
		}
		if kept.Len() == length {
			break
		}
	}
	if result := strings.Trim(kept.String(), "-"); result != "" {
		return result
	}
	return "data"
}

// ReplicaName derives the name of the BucketReplica for an attempt at a copy. It
// is a legal name of an object as long as the dataset's is.
func ReplicaName(bucket, provider, location string, attempt int) string {
	name := bucket + "-" + legal(provider, maximumName) + "-" + legal(location, maximumName)
	if attempt > 0 {
		name += fmt.Sprintf("-%d", attempt)
	}
	exact := strings.ToLower(bucket + "-" + provider + "-" + location)
	if len(name) <= maximumObjectName && (exact == name || attempt > 0 && strings.HasPrefix(name, exact+"-")) {
		return name
	}
	// What was cut off or replaced must not make two places look alike.
	digest := sha256.Sum256([]byte(fmt.Sprintf("%q %q %q %d", bucket, provider, location, attempt)))
	suffix := "-" + hex.EncodeToString(digest[:5])
	return strings.TrimRight(name[:min(len(name), maximumObjectName-len(suffix))], "-.") + suffix
}

// maximumObjectName is what Kubernetes allows.
const maximumObjectName = 253
