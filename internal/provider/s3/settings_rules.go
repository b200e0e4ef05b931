package s3

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ruleEnabled is the status of a rule that is in force.
const ruleEnabled = "Enabled"

func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// replicationRule is as much of a rule as tells where it leads.
type replicationRule struct {
	Status      string
	Destination struct{ Bucket string }
}

func (r replicationRule) harm() string {
	if r.Status != ruleEnabled {
		return ""
	}
	return "on, to " + cmp.Or(r.Destination.Bucket, "somewhere")
}

// lifecycleRule is as much of a rule as tells whether it deletes anything that
// can still be read. Removing what is left of unfinished uploads, and delete
// markers that hide nothing, does not.
type lifecycleRule struct {
	ID         string
	Status     string
	Expiration *struct{ Days, Date string }
	Noncurrent *struct{ NoncurrentDays string } `xml:"NoncurrentVersionExpiration"`
}

func (r lifecycleRule) harm() string {
	if r.Status != ruleEnabled {
		return ""
	}
	name := cmp.Or(r.ID, "without a name")
	switch {
	case r.Expiration != nil && r.Expiration.Days != "":
		return fmt.Sprintf("deleting objects after %s days (rule %s)", r.Expiration.Days, name)
	case r.Expiration != nil && r.Expiration.Date != "":
		return fmt.Sprintf("deleting objects from %s on (rule %s)", r.Expiration.Date, name)
	case r.Noncurrent != nil:
		return fmt.Sprintf("deleting old versions after %s days (rule %s)", cmp.Or(r.Noncurrent.NoncurrentDays, "some"), name)
	}
	return ""
}

// harmful is a rule that may do harm.
type harmful interface{ harm() string }

// ruleHarms gives the harm of every rule of a document, empty for those without,
// and where the rules stand.
func ruleHarms[R harmful](document []byte) ([]string, []span, error) {
	rules, err := spansOf(document, "Rule")
	if err != nil {
		return nil, nil, err
	}
	harms := make([]string, 0, len(rules))
	for _, at := range rules {
		var rule R
		if err := xml.Unmarshal(document[at.start:at.end], &rule); err != nil {
			return nil, nil, err
		}
		harms = append(harms, rule.harm())
	}
	return harms, rules, nil
}

// inForce joins the harms of the rules of a document.
func inForce[R harmful](document []byte) (string, bool) {
	harms, _, err := ruleHarms[R](document)
	if err != nil {
		return "", false
	}
	return joined(harms), true
}

func joined(harms []string) string {
	harms = slices.DeleteFunc(slices.Clone(harms), func(harm string) bool { return harm == "" })
	return strings.Join(slices.Compact(harms), " and ")
}

// disabled gives a document with every harmful rule disabled. The rules stay, so
// that whoever made them finds them again.
func disabled[R harmful](document []byte) ([]byte, error) {
	harms, rules, err := ruleHarms[R](document)
	if err != nil {
		return nil, err
	}
	changed := document
	for i, at := range slices.Backward(rules) {
		if harms[i] == "" {
			continue
		}
		status, err := spansOf(document[at.start:at.end], "Status")
		if err != nil || len(status) != 1 {
			return nil, errors.New("a rule has no single status")
		}
		changed = slices.Concat(changed[:at.start+status[0].inside], []byte("Disabled"), changed[at.start+status[0].until:])
	}
	return changed, nil
}

func replicatingRules(document []byte) (string, bool) { return inForce[replicationRule](document) }

func withoutReplicatingRules(_ string, document []byte) ([]byte, error) {
	return disabled[replicationRule](document)
}

func expiringRules(document []byte) (string, bool) { return inForce[lifecycleRule](document) }

func withoutExpiringRules(_ string, document []byte) ([]byte, error) {
	return disabled[lifecycleRule](document)
}

// openGroups are the groups that anybody belongs to, with or without an account.
var openGroups = []string{
	"http://acs.amazonaws.com/groups/global/AllUsers",
	"http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
}

// accessGrant is an entry of an access control list.
type accessGrant struct {
	Grantee    struct{ URI string }
	Permission string
}

func (g accessGrant) isOpen() bool { return slices.Contains(openGroups, g.Grantee.URI) }

// openGrants names the permissions that everybody has.
func openGrants(document []byte) (string, bool) {
	grants, _, err := grantsOf(document)
	if err != nil {
		return "", false
	}
	var permissions []string
	for _, grant := range grants {
		if grant.isOpen() && !slices.Contains(permissions, grant.Permission) {
			permissions = append(permissions, grant.Permission)
		}
	}
	return openTo(permissions), true
}

func openTo(what []string) string {
	if len(what) == 0 {
		return ""
	}
	return "open to everybody (" + strings.Join(what, ", ") + ")"
}

func grantsOf(document []byte) ([]accessGrant, []span, error) {
	spans, err := spansOf(document, "AccessControlList", "Grant")
	if err != nil {
		return nil, nil, err
	}
	grants := make([]accessGrant, 0, len(spans))
	for _, at := range spans {
		var grant accessGrant
		if err := xml.Unmarshal(document[at.start:at.end], &grant); err != nil {
			return nil, nil, err
		}
		grants = append(grants, grant)
	}
	return grants, spans, nil
}

// withoutOpenGrants cuts the entries for everybody out.
func withoutOpenGrants(_ string, document []byte) ([]byte, error) {
	grants, spans, err := grantsOf(document)
	if err != nil {
		return nil, err
	}
	changed := bytes.Clone(document)
	for i, at := range slices.Backward(spans) {
		if grants[i].isOpen() {
			changed = slices.Delete(changed, at.start, at.end)
		}
	}
	return changed, nil
}
