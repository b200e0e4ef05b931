// Package webhook judges objects as they are written, for what neither CEL nor an
// admission policy can decide because other objects have to be read.
//
// It refuses a SovereignBucket or ReversibilityDrill that names a place where the
// rules that bind it allow nothing. Facts and rules are always let in; who changes
// them is told which copies fall out. What cannot be judged is let in too, with a
// warning, for the reconcilers judge all that again. It also refuses that a bucket
// goes where less is asked of it. That nobody can judge later, so what cannot be
// judged of it is refused.
//
// Start reading at Register; bucket.go, drill.go and move.go refuse, change.go warns.
package webhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/internal/gather"
)

// Paths that are served, as manifests name them.
const (
	BucketPath   = "/validate/sovereignbuckets"
	DrillPath    = "/validate/reversibilitydrills"
	ProviderPath = "/validate/sovereignproviders"
	PolicyPath   = "/validate/sovereigntypolicies"
	// ExceptionPath is for exceptions that are deleted, MovePath for buckets that leave
	// their policy.
	ExceptionPath = "/validate/sovereigntyexceptions"
	MovePath      = "/validate/moves"
)

// Bounds of an answer.
const (
	// patience is how long copies are looked for that fall out. It is less than the
	// API server waits, for which the chart takes no less than three seconds, so that
	// what was found in time is said.
	patience = 2 * time.Second
	// maximumAtOnce is how many requests are answered at once.
	maximumAtOnce = 16
	// maximumLooks is how many buckets are looked at for that.
	maximumLooks = 1000
	// maximumWarnings are said, and the rest is counted.
	maximumWarnings = 10
	// maximumObjections are said of one place, and the rest is counted.
	maximumObjections = 8
)

// Config is what judging needs.
type Config struct {
	// Reader reads the manager's cache, which has the indexes of package gather.
	Reader client.Reader
	Clock  gather.Clock
	Scheme *runtime.Scheme
}

// Server is a server that hooks are registered with.
type Server interface {
	Register(path string, hook http.Handler)
}

// Register has a server answer for every kind that is judged.
func Register(server Server, config Config) {
	gatherer := gather.Gatherer{Reader: config.Reader, Clock: config.Clock}
	changes := changes{reader: config.Reader, clock: config.Clock}
	places := make(chan struct{}, maximumAtOnce)
	for path, hook := range map[string]*admission.Webhook{
		BucketPath:    admission.WithValidator(config.Scheme, buckets{gatherer}),
		DrillPath:     admission.WithValidator(config.Scheme, drills{config.Reader, gatherer}),
		ProviderPath:  admission.WithValidator(config.Scheme, providers{changes}),
		PolicyPath:    admission.WithValidator(config.Scheme, policies{changes}),
		ExceptionPath: admission.WithValidator(config.Scheme, exceptions{changes}),
		MovePath:      admission.WithValidator(config.Scheme, moves{gatherer}),
	} {
		if path != MovePath {
			hook.Handler = lenient{hook.Handler}
		}
		server.Register(path, limited{Handler: hook, places: places, patience: patience})
	}
}

// limited answers as many requests at once as there are places. Whoever reaches the
// port may ask, and each question takes memory and time from an operator that has
// other work. The API server lets in what is not answered.
type limited struct {
	http.Handler
	places   chan struct{}
	patience time.Duration
}

// ServeHTTP implements http.Handler. Until the request is read nobody learns that the
// caller has given up, so waiting has an end of its own.
func (l limited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	timer := time.NewTimer(l.patience)
	defer timer.Stop()
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
		l.Handler.ServeHTTP(w, r)
	case <-timer.C:
		http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
	}
}

// lenient lets in what could not be judged: a mistake of ours must not keep anybody
// from their work, and the reconcilers judge again.
type lenient struct{ admission.Handler }

// Handle implements admission.Handler.
func (l lenient) Handle(ctx context.Context, request admission.Request) (response admission.Response) {
	defer func() {
		if broken := recover(); broken != nil {
			log.FromContext(ctx).Error(fmt.Errorf("panic: %v", broken), "could not judge a request")
			response = unjudged("see the operator's log")
		}
	}()
	response = l.Handler.Handle(ctx, request)
	if !response.Allowed && response.Result != nil && response.Result.Code != http.StatusForbidden {
		return unjudged(response.Result.Message)
	}
	return response
}

func unjudged(why string) admission.Response {
	return admission.Allowed("").WithWarnings(notJudged + why)
}

// notJudged begins every warning that the object was let in as it is.
const notJudged = "not judged at admission, the operator decides later: "

// letIn lets an object in that could not be judged.
func letIn(why error) (admission.Warnings, error) {
	return admission.Warnings{notJudged + why.Error()}, nil
}
