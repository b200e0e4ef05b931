package dataplane

import (
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

func (r lifecycleRuleXML) rule() (LifecycleRule, error) {
	rule := LifecycleRule{ID: r.ID, Enabled: r.Status == "Enabled", Filter: r.Filter.filter(r.Prefix)}
	var err error
	if e := r.Expiration; e != nil {
		rule.ExpireDays, rule.ExpireDeleteMarker = e.Days, e.DeleteMarker
		if rule.ExpireDate, err = parseDate(e.Date); err != nil {
			return rule, err
		}
	}
	if r.Abort != nil {
		rule.AbortUploadDays = r.Abort.Days
	}
	if r.Noncurrent != nil {
		rule.NoncurrentDays, rule.NoncurrentKeep = r.Noncurrent.Days, r.Noncurrent.Keep
	}
	if rule.Transitions, err = transitions(r.Transitions); err != nil {
		return rule, err
	}
	rule.NoncurrentTransitions, err = transitions(r.NoncurrentTransitions)
	return rule, err
}

func transitions(documents []transitionXML) ([]Transition, error) {
	var out []Transition
	for _, t := range documents {
		date, err := parseDate(t.Date)
		if err != nil {
			return nil, err
		}
		out = append(out, Transition{Days: max(t.Days, t.NoncurrentDays), Date: date, StorageClass: t.StorageClass})
	}
	return out, nil
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	date, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, s3error.ErrMalformedXML
	}
	return date, nil
}

func formatDate(date time.Time) string {
	if date.IsZero() {
		return ""
	}
	return s3api.Timestamp(date)
}

func (r LifecycleRule) document() lifecycleRuleXML {
	d := lifecycleRuleXML{ID: r.ID, Status: status(r.Enabled), Filter: r.Filter.document()}
	if r.expires() {
		d.Expiration = &expirationXML{Days: r.ExpireDays, Date: formatDate(r.ExpireDate), DeleteMarker: r.ExpireDeleteMarker}
	}
	if r.AbortUploadDays > 0 {
		d.Abort = &abortXML{r.AbortUploadDays}
	}
	if r.NoncurrentDays > 0 || r.NoncurrentKeep > 0 {
		d.Noncurrent = &noncurrentXML{r.NoncurrentDays, r.NoncurrentKeep}
	}
	for _, t := range r.Transitions {
		d.Transitions = append(d.Transitions, transitionXML{Days: t.Days, Date: formatDate(t.Date), StorageClass: t.StorageClass})
	}
	for _, t := range r.NoncurrentTransitions {
		d.NoncurrentTransitions = append(d.NoncurrentTransitions, transitionXML{NoncurrentDays: t.Days, StorageClass: t.StorageClass})
	}
	return d
}

func (r LifecycleRule) expires() bool {
	return r.ExpireDays > 0 || !r.ExpireDate.IsZero() || r.ExpireDeleteMarker
}

func (r LifecycleRule) doesNothing() bool {
	return !r.expires() && r.AbortUploadDays == 0 && r.NoncurrentDays == 0 && r.NoncurrentKeep == 0 &&
		len(r.Transitions) == 0 && len(r.NoncurrentTransitions) == 0
}

// check holds a rule against what OVHcloud's guide of lifecycles (29 July 2026)
// says; needsID is its own, the rest is S3's too. The codes are those of AWS.
func (r LifecycleRule) check(needsID bool) error {
	filtered := len(r.Filter.Tags) > 0 || r.Filter.SizeOver > 0 || r.Filter.SizeUnder > 0
	switch {
	case needsID && r.ID == "":
		return s3error.InvalidArgument("A lifecycle rule must have an ID")
	case r.doesNothing():
		return s3error.BadRequest("InvalidRequest", "At least one action needs to be specified in a rule")
	case r.ExpireDays < 0 || r.AbortUploadDays < 0 || r.NoncurrentDays < 0:
		return s3error.InvalidArgument("'Days' for Expiration action must be a positive integer")
	case r.NoncurrentKeep < 0 || r.NoncurrentKeep > 100:
		return s3error.InvalidArgument("'NewerNoncurrentVersions' must be between 1 and 100")
	case r.AbortUploadDays > 0 && filtered:
		return s3error.BadRequest("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with tags or sizes")
	case r.ExpireDeleteMarker && (r.ExpireDays > 0 || len(r.Filter.Tags) > 0):
		return s3error.BadRequest("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Days or tags")
	}
	return nil
}
