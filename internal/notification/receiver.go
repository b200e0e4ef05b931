package notification

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// Bounds of what is received.
const (
	maximumBody = 1 << 20
	// atOnce is how many notifications are read at the same time.
	atOnce = 16
	// perSecond and burst bound the notifications of one provider.
	perSecond = 200
	burst     = 400
)

// Prefix is what the path of every provider begins with.
const Prefix = "/events/"

// Path gives the path that a provider's notifications are sent to.
func Path(provider, secret string) string { return Prefix + provider + "/" + secret }

// Book tells who may send and whom it concerns.
type Book interface {
	// Secret gives the secret part of a provider's path; false if nothing is received
	// for it.
	Secret(ctx context.Context, provider string) (string, bool)
	// Copies gives the copies of a bucket that is a primary at a provider.
	Copies(ctx context.Context, provider, bucket string) ([]string, error)
}

// Config is what a receiver needs.
type Config struct {
	Book  Book
	Queue *Queue
	// Wake is told which copy something waits for.
	Wake func(of string)
	// IsLeading tells whether this process is the one that works.
	IsLeading  func() bool
	Now        func() time.Time
	Registerer prometheus.Registerer
}

// Receiver takes notifications over HTTP. It answers within the time that its caches
// take, whatever is to be done about what it learned.
type Receiver struct {
	Config
	slots    chan struct{}
	received *prometheus.CounterVec

	mu    sync.Mutex
	rates map[string]*rate.Limiter
}

// What came of notifications, for the metric.
const (
	taken    = "Taken"
	tooMany  = "TooMany"
	tooLarge = "TooLarge"
	noSense  = "NoSense"
	unknown  = "Unknown"
)

// NewReceiver makes a receiver and registers its metric.
func NewReceiver(config Config) *Receiver {
	received := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rempart_notifications_total", Help: "Notifications that came for providers, by what became of them.",
	}, []string{"provider", "result"})
	config.Registerer.MustRegister(received)
	return &Receiver{Config: config, slots: make(chan struct{}, atOnce), received: received, rates: map[string]*rate.Limiter{}}
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if !r.IsLeading() {
		refuse(w) // whoever tries again may meet the one that works
		return
	}
	provider, isRight := r.admit(request)
	if !isRight {
		http.NotFound(w, request)
		return
	}
	switch request.Method {
	case http.MethodGet, http.MethodHead: // some stores look whether somebody is there
		w.WriteHeader(http.StatusOK)
	case http.MethodPost, http.MethodPut:
		r.take(w, request, provider)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, PUT")
		http.Error(w, "send notifications with POST", http.StatusMethodNotAllowed)
	}
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, "try again later", http.StatusServiceUnavailable)
}

// admit gives the provider whose path the request is for. How long that takes tells
// nothing about the secret.
func (r *Receiver) admit(request *http.Request) (string, bool) {
	rest, isOurs := strings.CutPrefix(request.URL.Path, Prefix)
	provider, sent, _ := strings.Cut(rest, "/")
	if !isOurs || provider == "" {
		return "", false
	}
	want, isReceived := r.Book.Secret(request.Context(), provider)
	isSame := isEqual(sent, want)
	return provider, isReceived && want != "" && isSame
}

func isEqual(a, b string) bool {
	left, right := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(left[:], right[:]) == 1
}

// take reads a notification, if not too much comes at once. What is refused may be lost:
// not every store tries again.
func (r *Receiver) take(w http.ResponseWriter, request *http.Request, provider string) {
	if !r.mayCome(provider) {
		r.lose(provider, tooMany)
		refuse(w)
		return
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		r.lose(provider, tooMany)
		refuse(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maximumBody))
	if _, isTooLarge := errors.AsType[*http.MaxBytesError](err); isTooLarge {
		r.lose(provider, tooLarge)
		http.Error(w, "the notification is too large", http.StatusRequestEntityTooLarge)
		return
	}
	var named []Named
	if err == nil {
		named, err = Parse(body)
	}
	if err != nil {
		r.lose(provider, noSense)
		http.Error(w, "this is no notification of S3", http.StatusBadRequest)
		return
	}
	if err := r.pass(request.Context(), provider, named); err != nil {
		refuse(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// mayCome tells whether a notification of the provider may come now.
func (r *Receiver) mayCome(provider string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter := r.rates[provider]
	if limiter == nil {
		limiter = rate.NewLimiter(perSecond, burst)
		r.rates[provider] = limiter
	}
	return limiter.AllowN(r.Now(), 1)
}

// lose records that something was told and not taken.
func (r *Receiver) lose(provider, why string) {
	r.received.WithLabelValues(provider, why).Inc()
	r.Queue.Lose(provider, r.Now())
}

// pass has what is named wait for the copies that it concerns.
func (r *Receiver) pass(ctx context.Context, provider string, named []Named) error {
	byBucket := map[string][]string{}
	for _, n := range named {
		byBucket[n.Bucket] = append(byBucket[n.Bucket], n.Keys...)
	}
	result := taken
	for bucket, keys := range byBucket {
		copies, err := r.Book.Copies(ctx, provider, bucket)
		if err != nil {
			return err
		}
		if len(copies) == 0 {
			result = unknown // of a bucket that is none of ours: most stores tell of all
		}
		for _, of := range copies {
			if r.Queue.Add(of, keys, r.Now()) > 0 {
				result = tooMany
			}
			r.Wake(of)
		}
	}
	r.received.WithLabelValues(provider, result).Inc()
	return nil
}
