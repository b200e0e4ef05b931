package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

const (
	actionObserveSettings = "observe settings"
	actionCorrectSetting  = "correct setting"
)

// setting knows one subresource of a bucket: how to ask for it, what harm it may
// do, and what it is without.
type setting struct {
	name provider.Setting
	// root is the name of an XML document's root; empty is a document of another
	// kind.
	root string
	// missing is the code of a refusal that means that nothing is set.
	missing string
	// harm tells what is wrong with a document, empty if nothing is; false when it
	// cannot be understood.
	harm func(document []byte) (string, bool)
	// cure gives the document without the harm.
	cure func(bucket string, document []byte) ([]byte, error)
}

// settingTries is how often a setting is asked for that the store fails to tell.
// Some stores fail each time at what they do not know, which must not keep the
// other settings from being told.
const settingTries = 3

var settings = []setting{
	{provider.SettingACL, "AccessControlPolicy", "", openGrants, withoutOpenGrants},
	{provider.SettingPolicy, "", "NoSuchBucketPolicy", openStatements, withoutOpenStatements},
	{provider.SettingReplication, "ReplicationConfiguration", "ReplicationConfigurationNotFoundError", replicatingRules, withoutReplicatingRules},
	{provider.SettingLifecycle, "LifecycleConfiguration", "NoSuchLifecycleConfiguration", expiringRules, withoutExpiringRules},
}

// ObserveSettings implements provider.BucketSettings with one request for each
// setting, and more where the store fails.
func (s *session) ObserveSettings(ctx context.Context, bucket string) ([]provider.SettingState, error) {
	states := make([]provider.SettingState, 0, len(settings))
	for _, set := range settings {
		state, _, err := s.observeSetting(ctx, actionObserveSettings, bucket, set)
		for try := 1; errors.Is(err, errNotTold) && try < settingTries; try++ {
			state, _, err = s.observeSetting(ctx, actionObserveSettings, bucket, set)
		}
		if err != nil && !errors.Is(err, errNotTold) {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// observeSetting tells the state of one setting, and its document where there is
// one. Stores answer a question that they do not know with an empty body, a
// listing, another document or a refusal; only the right document, or the plain
// word that there is none, counts as an answer. One that failed to come, and may
// come at the next try, is errNotTold.
func (s *session) observeSetting(ctx context.Context, action, bucket string, set setting) (provider.SettingState, []byte, error) {
	state := provider.SettingState{Setting: set.name}
	var document []byte
	q := question{action: action, method: http.MethodGet, bucket: bucket, query: url.Values{string(set.name): {""}}}
	x, err := s.ask(ctx, q, &document)
	switch {
	case set.missing != "" && x.code() == set.missing:
		state.Known = true
		return state, nil, nil
	case err != nil && x.stopsLooking(ctx, err):
		return state, nil, err
	case err != nil && fault.Of(err).Class == fault.Transient:
		return state, nil, fmt.Errorf("%w: %w", errNotTold, err)
	case err != nil, set.root != "" && rootOf(document) != set.root:
		return state, nil, nil //nolint:nilerr // not known is the answer
	}
	state.Harm, state.Known = set.harm(document)
	state.Harm = s.clean(state.Harm)
	return state, document, nil
}

// errNotTold: the store failed to say what is set.
var errNotTold = errors.New("the store does not tell what is set")

// stopsLooking tells whether a failure is about more than one question: no answer
// came, or it is about the account or the bucket.
func (x *exchange) stopsLooking(ctx context.Context, err error) bool {
	for _, sentinel := range []error{provider.ErrAuthentication, provider.ErrClockSkew, provider.ErrThrottled} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return ctx.Err() != nil || x.Status == 0 || fault.HasReason(err, fault.BucketMissing)
}

// CorrectSetting implements provider.BucketSettings: it reads the document, sends
// it back without the harm, and reads it once more.
func (s *session) CorrectSetting(ctx context.Context, bucket string, name provider.Setting) error {
	set, err := s.settingOf(ctx, bucket, name)
	if err != nil {
		return err
	}
	action := actionCorrectSetting + " " + string(name)
	// The writers of issued keys change the same document.
	unlock, err := lockPolicy(ctx, s.place.Endpoint, bucket)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	defer unlock()
	before, document, err := s.observeSetting(ctx, action, bucket, set)
	if err != nil || before.Known && before.Harm == "" {
		return err
	}
	_, x := s.begin(ctx, action, bucket, "")
	if !before.Known {
		return x.fail(unsupported, "the store does not tell what is set")
	}
	cured, err := set.cure(bucket, document)
	if err != nil {
		return x.fail(failing, err.Error())
	}
	q := question{action: action, method: http.MethodPut, bucket: bucket, query: url.Values{string(set.name): {""}}, send: cured}
	if _, err := s.ask(ctx, q, nil); err != nil {
		return err
	}
	after, _, err := s.observeSetting(ctx, action, bucket, set)
	if err != nil {
		return err
	}
	if !after.Known || after.Harm != "" {
		return x.fail(unsupported, "the store accepts the change and keeps what was set")
	}
	return nil
}

func (s *session) settingOf(ctx context.Context, bucket string, name provider.Setting) (setting, error) {
	for _, set := range settings {
		if set.name == name {
			return set, nil
		}
	}
	_, x := s.begin(ctx, actionCorrectSetting, bucket, "")
	return setting{}, x.fail(misconfigured, fmt.Sprintf("setting %q is unknown", name))
}

// rootOf is the name of a whole document's root, or empty.
func rootOf(document []byte) string {
	var whole struct{ XMLName xml.Name }
	if xml.Unmarshal(document, &whole) != nil {
		return ""
	}
	return whole.XMLName.Local
}

// span is where an element stands in a document: from start to end, its content
// from inside to until.
type span struct{ start, inside, until, end int }

// spansOf finds the elements at a path under the root. Documents are changed in
// place, so that what this driver does not know about them stays.
func spansOf(document []byte, path ...string) ([]span, error) {
	decoder := xml.NewDecoder(bytes.NewReader(document))
	var open []string
	var found []span
	isThere := func() bool { return strings.Join(open[1:], "/") == strings.Join(path, "/") }
	for {
		before := int(decoder.InputOffset())
		token, err := decoder.Token()
		if token == nil {
			return found, endOf(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if open = append(open, token.Name.Local); isThere() {
				found = append(found, span{start: before, inside: int(decoder.InputOffset())})
			}
		case xml.EndElement:
			if isThere() {
				last := &found[len(found)-1]
				last.until, last.end = before, int(decoder.InputOffset())
			}
			open = open[:len(open)-1]
		}
	}
}
