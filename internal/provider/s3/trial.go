package s3

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

const (
	actionTry = "try bucket"

	// trialID names what a trial sets. Whatever it sets is about keys under
	// trialPrefix, which nobody has.
	trialID     = "rempart-probe"
	trialPrefix = provider.ReservedPrefix + "probe/none/"
	trialDays   = 3650
)

// configurationTrial is how a configuration is tried.
type configurationTrial struct {
	subresource string
	send        func(bucket string) any
	// isKept tells whether an answer is what was sent. It fails when the answer is
	// another kind of document.
	isKept func(answer []byte) (bool, error)
	// needsMore tells that a refusal may be of what was sent alone.
	needsMore bool
}

var configurationTrials = map[provider.Configuration]configurationTrial{
	provider.BucketPolicy: {subresource: "policy", send: sendTrialPolicy, isKept: isTrialPolicy},
	provider.Lifecycle:    {subresource: "lifecycle", send: sendTrialLifecycle, isKept: isTrialLifecycle},
	// A store that knows notifications wants a receiver that exists.
	provider.EventNotifications: {subresource: "notification", send: sendTrialNotification, isKept: isTrialNotification, needsMore: true},
}

// TryConfiguration implements provider.Trials with a PUT and a GET.
func (s *session) TryConfiguration(ctx context.Context, bucket string, kind provider.Configuration) (provider.Support, error) {
	trial := configurationTrials[kind]
	query := url.Values{trial.subresource: {""}}
	x, refusal := s.ask(ctx, question{action: actionTry, method: http.MethodPut, bucket: bucket, query: query, send: trial.send(bucket)}, nil)
	switch {
	case isMissing(refusal):
		return provider.Unknown, refusal
	case trial.minds(x, refusal): // what is there tells whether the store knows it
	case errors.Is(refusal, provider.ErrUnsupported):
		return provider.Unsupported, nil
	case refusal != nil:
		return provider.Unknown, refusal
	}
	var answer []byte
	_, err := s.ask(ctx, question{action: actionTry, method: http.MethodGet, bucket: bucket, query: query}, &answer)
	switch {
	case isMissing(err):
		return provider.Unknown, err
	case errors.Is(err, provider.ErrUnsupported):
		return provider.Unsupported, nil
	case errors.Is(err, provider.ErrNotFound): // such as NoSuchBucketPolicy
		return provider.Broken, nil
	case err != nil:
		return provider.Unknown, err
	}
	kept, err := trial.isKept(answer)
	switch {
	case err != nil:
		return provider.Unsupported, nil //nolint:nilerr // another document: the PUT was something else too
	case refusal != nil:
		return provider.Unknown, nil //nolint:nilerr // it wants something that exists
	case !kept:
		return provider.Broken, nil
	}
	return provider.Supported, nil
}

// minds tells a refusal of what was sent from one of sending it at all.
func (t configurationTrial) minds(x *exchange, refusal error) bool {
	return t.needsMore && !x.isUnknownOperation() &&
		(errors.Is(refusal, provider.ErrUnsupported) || errors.Is(refusal, provider.ErrNotFound))
}

func isMissing(err error) bool { return fault.HasReason(err, fault.BucketMissing) }

// isUnknownOperation tells a store that does not know what it was asked from one
// that minds how.
func (x *exchange) isUnknownOperation() bool {
	return x.Status == http.StatusNotImplemented || x.Status == http.StatusMethodNotAllowed ||
		slices.Contains([]string{"NotImplemented", "XNotImplemented", "MethodNotAllowed", "BucketAlreadyOwnedByYou"}, x.code())
}

// trialStatement denies everybody what nobody has.
type trialStatement struct {
	ID        string `json:"Sid"`
	Effect    string
	Principal map[string][]string
	Action    []string
	Resource  []string
}

func sendTrialPolicy(bucket string) any {
	return []byte(encode(map[string]any{"Version": policyVersion, "Statement": []trialStatement{{
		ID: trialID, Effect: "Deny", Principal: map[string][]string{"AWS": {"*"}}, Action: []string{"s3:GetObject"},
		Resource: []string{"arn:aws:s3:::" + bucket + "/" + trialPrefix + "*"},
	}}}))
}

// isTrialPolicy looks for the statement's name and effect: the rest has several
// ways to be written.
func isTrialPolicy(answer []byte) (bool, error) {
	found, err := parsePolicy(answer)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(found.statements, func(text json.RawMessage) bool {
		var statement struct {
			ID     string `json:"Sid"`
			Effect string
		}
		return json.Unmarshal(text, &statement) == nil && statement.ID == trialID && statement.Effect == "Deny"
	}), nil
}

type trialLifecycle struct {
	XMLName xml.Name             `xml:"LifecycleConfiguration"`
	Rules   []trialLifecycleRule `xml:"Rule"`
}

// trialLifecycleRule has its prefix in the filter, or where it was before there
// were filters.
type trialLifecycleRule struct {
	ID        string
	Status    string
	Filter    string `xml:"Filter>Prefix"`
	OldPrefix string `xml:"Prefix,omitempty"`
	Days      int    `xml:"Expiration>Days"`
}

func sendTrialLifecycle(string) any {
	return trialLifecycle{Rules: []trialLifecycleRule{{ID: trialID, Status: enabled, Filter: trialPrefix, Days: trialDays}}}
}

func isTrialLifecycle(answer []byte) (bool, error) {
	var found trialLifecycle
	if err := xml.Unmarshal(answer, &found); err != nil {
		return false, err
	}
	return slices.ContainsFunc(found.Rules, func(rule trialLifecycleRule) bool {
		return rule.Days == trialDays && (rule.Filter == trialPrefix || rule.OldPrefix == trialPrefix)
	}), nil
}

type trialNotification struct {
	XMLName xml.Name     `xml:"NotificationConfiguration"`
	Queues  []trialQueue `xml:"QueueConfiguration"`
}

type trialQueue struct {
	ID    string `xml:"Id"`
	Queue string
	Event string
}

func sendTrialNotification(string) any {
	return trialNotification{Queues: []trialQueue{{
		ID: trialID, Queue: "arn:aws:sqs:us-east-1:000000000000:" + trialID, Event: "s3:ObjectCreated:*",
	}}}
}

func isTrialNotification(answer []byte) (bool, error) {
	var found trialNotification
	if err := xml.Unmarshal(answer, &found); err != nil {
		return false, err
	}
	return slices.ContainsFunc(found.Queues, func(q trialQueue) bool { return q.ID == trialID }), nil
}

// TryPut implements provider.Trials.
func (s *session) TryPut(ctx context.Context, ref provider.Ref, content provider.Content, trial provider.PutTrial) (provider.Object, error) {
	ctx, x := s.begin(ctx, "try to put object", ref.Bucket, ref.Key)
	if err := x.prepare(provider.Attributes{}); err != nil {
		return provider.Object{}, err
	}
	if trial.IfAbsent {
		x.headers.Set("If-None-Match", "*")
	}
	if trial.IfMatch != "" {
		x.headers.Set("If-Match", trial.IfMatch)
	}
	if trial.Checksum != "" {
		x.headers.Set("X-Amz-Sdk-Checksum-Algorithm", "SHA256")
		x.headers.Set("X-Amz-Checksum-Sha256", trial.Checksum)
	}
	stored, err := s.send(ctx, x, content, provider.Attributes{})
	if errors.Is(err, provider.ErrChanged) || errors.Is(err, provider.ErrContentMismatch) {
		classified := fault.Of(err)
		classified.Class = fault.Terminal
		return stored, classified
	}
	return stored, err
}
