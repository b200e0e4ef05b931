package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/rempart/rempart/internal/provider"
)

// policyVersion is the only language version that all stores accept.
const policyVersion = "2012-10-17"

// policy is a bucket policy whose foreign statements are kept as they were
// written.
type policy struct {
	// fields are the document's members other than Statement.
	fields     map[string]json.RawMessage
	statements []json.RawMessage
}

func parsePolicy(text []byte) (policy, error) {
	var p policy
	if err := json.Unmarshal(text, &p.fields); err != nil {
		return policy{}, fmt.Errorf("the bucket's policy is not JSON")
	}
	statement := p.fields["Statement"]
	delete(p.fields, "Statement")
	if bytes.HasPrefix(bytes.TrimSpace(statement), []byte("{")) {
		p.statements = []json.RawMessage{statement}
		return p, nil
	}
	if err := json.Unmarshal(statement, &p.statements); err != nil {
		return policy{}, fmt.Errorf("the bucket's policy has no list of statements")
	}
	return p, nil
}

func (p policy) encode() ([]byte, error) {
	document := map[string]any{"Version": policyVersion}
	for name, value := range p.fields {
		document[name] = value
	}
	document["Statement"] = p.statements
	return json.Marshal(document)
}

// equal compares the statements, whatever their spacing.
func (p policy) equal(other policy) bool {
	return slices.EqualFunc(p.statements, other.statements, func(a, b json.RawMessage) bool {
		return bytes.Equal(compact(a), compact(b))
	})
}

func compact(text json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}

// with adds statements.
func (p policy) with(added ...json.RawMessage) policy {
	return policy{fields: p.fields, statements: slices.Concat(p.statements, added)}
}

// without removes every mention of a user, and the placeholder. A statement that
// names others too keeps those: the gateway refuses a policy that names a user it
// does not know.
func (p policy) without(user string) policy {
	kept := policy{fields: p.fields}
	for _, statement := range p.statements {
		if left, some := strip(statement, user); some && !isPlaceholder(statement) {
			kept.statements = append(kept.statements, left)
		}
	}
	return kept
}

// strip removes a user from a statement's principals; false when none is left.
func strip(statement json.RawMessage, user string) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(statement, &members) != nil {
		return statement, true
	}
	named := principals(members["Principal"])
	if !slices.Contains(named, user) {
		return statement, true
	}
	named = slices.DeleteFunc(named, func(name string) bool { return name == user })
	if len(named) == 0 {
		return nil, false
	}
	members["Principal"] = encode(map[string][]string{"AWS": named})
	return encode(members), true
}

// principals reads the forms that a Principal may have: a name, a list of names,
// or either of them under AWS.
func principals(text json.RawMessage) []string {
	var one string
	if json.Unmarshal(text, &one) == nil {
		return []string{one}
	}
	var list []string
	if json.Unmarshal(text, &list) == nil {
		return list
	}
	var nested struct{ AWS json.RawMessage }
	if json.Unmarshal(text, &nested) == nil && nested.AWS != nil {
		return principals(nested.AWS)
	}
	return nil
}

// statement is one of ours.
type statement struct {
	ID        string `json:"Sid,omitempty"`
	Effect    string
	Principal map[string][]string
	Action    []string
	Resource  []string
}

func (s statement) by(user string) json.RawMessage {
	s.Principal = map[string][]string{"AWS": {user}}
	return encode(s)
}

// encode is for values that always have a JSON form.
func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", value, err))
	}
	return text
}

// What a consumer may do. Versions can be read and not deleted: history is what
// is left after a workload's key was stolen.
var (
	bucketReads  = []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions"}
	bucketWrites = []string{"s3:ListBucketMultipartUploads"}
	objectReads  = []string{
		"s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectTagging",
		"s3:GetObjectVersion", "s3:GetObjectVersionAttributes", "s3:GetObjectVersionTagging",
	}
	objectWrites = []string{
		"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectTagging",
		"s3:ListMultipartUploadParts", "s3:PutObject", "s3:PutObjectTagging",
	}
	// Who may only write may not find out what is there either: no listing of
	// uploads, whose keys it would tell.
	bucketWritesOnly = []string{"s3:GetBucketLocation"}
	objectWritesOnly = []string{"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"}
)

// allowed gives what a mode lets an application do with its bucket and with the
// objects in it.
func allowed(mode provider.AccessMode) (onBucket, onObjects []string) {
	switch mode {
	case provider.ReadWrite:
		return slices.Concat(bucketReads, bucketWrites), slices.Concat(objectReads, objectWrites)
	case provider.WriteOnly:
		return bucketWritesOnly, objectWritesOnly
	default:
		return bucketReads, objectReads
	}
}

// statementsFor gives a grant's statements. The Deny covers reads too, and the
// reserved prefix as a file: on a posix gateway an object named ".rempart" would
// keep the folder from being made. FullControl is the operator's own key. Actions
// that the store does not know are left out.
func statementsFor(user string, grant provider.Grant, unknown ...string) []json.RawMessage {
	arn := "arn:aws:s3:::" + grant.Bucket
	if grant.Mode == provider.FullControl {
		return []json.RawMessage{
			statement{Effect: "Allow", Action: []string{"s3:*"}, Resource: []string{arn, arn + "/*"}}.by(user),
		}
	}
	onBucket, onObjects := allowed(grant.Mode)
	onObjects = slices.DeleteFunc(slices.Clone(onObjects), func(action string) bool { return slices.Contains(unknown, action) })
	return []json.RawMessage{
		statement{Effect: "Allow", Action: onBucket, Resource: []string{arn}}.by(user),
		statement{Effect: "Allow", Action: onObjects, Resource: []string{arn + "/*"}}.by(user),
		statement{Effect: "Deny", Action: []string{"s3:*"}, Resource: reserved(arn)}.by(user),
	}
}

func reserved(arn string) []string {
	folder := arn + "/" + provider.ReservedPrefix
	return []string{folder + "*", folder[:len(folder)-1]}
}

// placeholder stands where the last statement was removed: the gateway stores no
// empty policy, and DELETE of a bucket's subresource is never sent, because a
// store that does not know it deletes the bucket. It names our own account, to
// which, as an admin, the gateway applies no policy.
func placeholder(user, bucket string) json.RawMessage {
	return statement{
		ID:       placeholderID,
		Effect:   "Deny",
		Action:   []string{"s3:PutObject"},
		Resource: reserved("arn:aws:s3:::" + bucket),
	}.by(user)
}

const placeholderID = "RempartNoConsumer"

func isPlaceholder(text json.RawMessage) bool {
	var s statement
	return json.Unmarshal(text, &s) == nil && s.ID == placeholderID
}

// policyLocks keep the writers of one bucket's policy apart: a policy is read,
// changed and written back as a whole. They are common to all sessions of the
// process, since two sessions may well lead to the same bucket; a few bytes per
// bucket are kept for good.
var policyLocks sync.Map

// lockPolicy waits for its turn, or for the end of the context.
func lockPolicy(ctx context.Context, endpoint, bucket string) (unlock func(), err error) {
	made, _ := policyLocks.LoadOrStore(endpoint+"/"+bucket, make(chan struct{}, 1))
	turn := made.(chan struct{})
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
