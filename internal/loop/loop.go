// Package loop is the frame of every reconciler: phases run in order until one
// fails, and one deferred finish turns what they found into status, events and
// the answer to the queue.
//
// Phases record facts; a pure function of the controller turns facts into
// conditions; Finish adds what the error means, writes the status once and only
// if it changed, and emits events only after that write succeeded.
//
// Start reading at Finisher.Begin and Pass.Finish.
package loop

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
)

// Object is a kind of rempart.dev.
type Object interface {
	client.Object
	GetConditions() *[]metav1.Condition
	SetObservedGeneration(generation int64)
}

// Phase is one step of a reconcile. It records what it finds in the scope.
type Phase[S any] func(ctx context.Context, scope S) error

// Run runs phases in order and stops at the first that fails.
func Run[S any](ctx context.Context, scope S, phases ...Phase[S]) error {
	for _, phase := range phases {
		if err := phase(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// How long to wait when nothing says how long.
const (
	throttledDelay = 30 * time.Second
	waitingDelay   = 5 * time.Minute
	terminalDelay  = 10 * time.Minute
	conflictDelay  = 200 * time.Millisecond
)

// Report is what a reconcile found, before the meaning of its error is added.
type Report struct {
	// Conditions are all conditions of the kind. Ready counts when there was no
	// error. Reconciling and Stalled are in it only where the error does not say
	// them.
	Conditions []metav1.Condition
	// Events are things that happened, besides changes of conditions.
	Events []Event
	// RequeueAfter is when to look again although nothing changed; 0 is never. It
	// is jittered by up to a tenth.
	RequeueAfter time.Duration
	// Decay is when a condition may stop being True although nothing happens; 0 is
	// never. The object is looked at then, unjittered, however long RequeueAfter is or
	// its error asks to wait: who sets it asks nothing of a store that wants to be left
	// alone.
	Decay time.Duration
	// Gone tells that the object was let go, so that there is no status to write.
	Gone bool
	// Written is called once the status is written, or needed no writing: what the
	// status now remembers may be forgotten elsewhere.
	Written func()
}

func (r Report) written() {
	if r.Written != nil {
		r.Written()
	}
}

// Event is something that happened once.
type Event struct {
	// Type is corev1.EventTypeNormal or corev1.EventTypeWarning.
	Type string
	// Reason is the event's name, such as BucketCreated.
	Reason string
	Note   string
	// Action tells events of one reason apart, of which the API would else keep the
	// first note for all; empty is Reconcile.
	Action string
}

// Normal makes an event about something that went well.
func Normal(reason, note string) Event {
	return Event{Type: corev1.EventTypeNormal, Reason: reason, Note: note}
}

// Warning makes an event about something that somebody should look at.
func Warning(reason, note string) Event {
	return Event{Type: corev1.EventTypeWarning, Reason: reason, Note: note}
}

// EventNames gives the names of the events for a condition that becomes True or
// False. An empty name emits nothing.
type EventNames struct{ True, False string }

// Finisher finishes the reconciles of one controller.
type Finisher struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Writes remembers what was written; nil remembers nothing.
	Writes *Writes
	// Names are the events of conditions by their type. Where Ready has none, they
	// are Ready, and the reason why not.
	Names map[string]EventNames
}

// Begin remembers the object as it is before anything changes.
func (f Finisher) Begin(object Object) *Pass {
	return &Pass{finisher: f, object: object, before: object.DeepCopyObject().(Object)}
}

// Pass is one reconcile under way.
type Pass struct {
	finisher Finisher
	object   Object
	before   Object
}

// Finish ends a reconcile: it completes the conditions with what err means,
// writes the status if it changed, emits events and answers the queue. The
// caller has put everything of the status but the conditions into the object.
func (p *Pass) Finish(ctx context.Context, report Report, err error) (ctrl.Result, error) {
	if report.Gone && err == nil {
		p.finisher.Writes.forget(p.object.GetUID())
		report.written()
		p.tell(report.Events)
		return ctrl.Result{}, nil
	}
	p.settle(report, err)
	if stored, writeErr := p.store(ctx); writeErr != nil || !stored {
		return ctrl.Result{RequeueAfter: conflictDelay}, writeErr
	}
	report.written()
	p.emit(report.Events)
	return answer(report, err)
}

// hasSameStatus tells whether nothing but metadata changed, which phases write
// themselves.
func (p *Pass) hasSameStatus() bool {
	before := p.before.DeepCopyObject().(Object)
	before.SetResourceVersion(p.object.GetResourceVersion())
	before.SetGeneration(p.object.GetGeneration())
	before.SetFinalizers(p.object.GetFinalizers())
	before.SetLabels(p.object.GetLabels())
	before.SetAnnotations(p.object.GetAnnotations())
	before.SetManagedFields(p.object.GetManagedFields())
	return equality.Semantic.DeepEqual(before, p.object)
}

// settle puts the conditions into the object.
func (p *Pass) settle(report Report, err error) {
	now := metav1.NewTime(p.finisher.Clock.Now().UTC().Truncate(time.Second))
	generation := p.object.GetGeneration()
	conditions := p.object.GetConditions()
	set := func(c metav1.Condition) { condition.Set(conditions, c, generation, now) }
	p.drop(report, err)
	for _, c := range report.Conditions {
		if c.Type != v1alpha1.ConditionReady || err == nil { // else its time would be that of each try
			set(c)
		}
	}
	p.object.SetObservedGeneration(generation)
	if err == nil {
		return
	}
	classified := fault.Of(err)
	reason, message := string(classified.Reason), err.Error()
	switch classified.Class {
	case fault.Throttled:
		// A store that asks to slow down says nothing about what is there.
		if before := meta.FindStatusCondition(*p.before.GetConditions(), v1alpha1.ConditionReady); before != nil {
			set(*before)
			return
		}
		set(condition.Unknown(v1alpha1.ConditionReady, reason, message))
	case fault.Terminal:
		set(condition.False(v1alpha1.ConditionReady, reason, message))
		set(condition.True(v1alpha1.ConditionStalled, reason, message))
	case fault.Waiting:
		set(condition.False(v1alpha1.ConditionReady, reason, message))
	default:
		set(condition.False(v1alpha1.ConditionReady, reason, message))
		set(condition.True(v1alpha1.ConditionReconciling, reason, message))
	}
}

// drop takes away the conditions that stand only while they are True, and are not
// so any more. One that goes on must not go and come back: its time would be
// another one, and each try would write the status and wake whoever watches it.
func (p *Pass) drop(report Report, err error) {
	for _, conditionType := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if meta.FindStatusCondition(report.Conditions, conditionType) == nil && conditionType != standing(err) {
			condition.Remove(p.object.GetConditions(), conditionType)
		}
	}
}

// standing is the condition that an error makes True, empty if none.
func standing(err error) string {
	if err == nil {
		return ""
	}
	switch fault.Of(err).Class {
	case fault.Terminal:
		return v1alpha1.ConditionStalled
	case fault.Transient:
		return v1alpha1.ConditionReconciling
	default:
		return ""
	}
}

// store sees to it that the status is stored, and tells whether it is known to be.
// Where what was read is older than what we wrote, that nothing is to be changed in
// it says nothing.
func (p *Pass) store(ctx context.Context) (bool, error) {
	if p.hasSameStatus() {
		return !p.finisher.Writes.isBehind(p.before), nil
	}
	return p.write(ctx)
}

// write writes the status, and tells whether it did: somebody else's change is
// no failure, the object is looked at again.
func (p *Pass) write(ctx context.Context) (bool, error) {
	replaced := p.object.GetResourceVersion()
	err := p.finisher.Client.Status().Update(ctx, p.object)
	switch {
	case err == nil:
		if p.object.GetResourceVersion() != replaced { // else the API server saw no difference
			p.finisher.Writes.remember(p.object.GetUID(), p.before.GetResourceVersion(), replaced)
		}
		return true, nil
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return false, nil
	default:
		return false, err
	}
}

// emit emits what happened, and the changes of conditions that are not told by
// an event of the same name already: the API joins those and keeps one note.
func (p *Pass) emit(happened []Event) {
	for _, transition := range condition.Transitions(*p.before.GetConditions(), *p.object.GetConditions()) {
		event, worthIt := p.finisher.eventFor(transition)
		isTold := slices.ContainsFunc(happened, func(e Event) bool { return e.Reason == event.Reason })
		if worthIt && !isTold {
			happened = append(happened, event)
		}
	}
	p.tell(happened)
}

func (p *Pass) tell(happened []Event) {
	for _, event := range happened {
		p.finisher.Recorder.Eventf(p.object, nil, event.Type, event.Reason, cmp.Or(event.Action, "Reconcile"), "%s", event.Note)
	}
}

// underWay are reasons why something is not ready that nobody needs to look at.
var underWay = []string{
	v1alpha1.ReasonProgressing, v1alpha1.ReasonDeleting, v1alpha1.ReasonWaitingForKeys, v1alpha1.ReasonKeysRevoked,
}

// eventFor gives the event for a condition that changed.
func (f Finisher) eventFor(t condition.Transition) (Event, bool) {
	after := t.After
	names, named := f.Names[after.Type]
	switch {
	case after.Type == v1alpha1.ConditionReady && !named:
		names = EventNames{True: "Ready", False: after.Reason}
		if slices.Contains(underWay, after.Reason) {
			return Event{}, false
		}
	case !named:
		return Event{}, false
	}
	switch {
	case after.Status == metav1.ConditionTrue && t.Before.Status != metav1.ConditionTrue && names.True != "":
		return Normal(names.True, noteOf(after)), true
	case after.Status == metav1.ConditionFalse && names.False != "":
		return Warning(names.False, noteOf(after)), true
	}
	return Event{}, false
}

func noteOf(c metav1.Condition) string {
	if c.Message == "" {
		return c.Type + " is " + string(c.Status)
	}
	return c.Message
}

// answer tells the queue what to do next.
func answer(report Report, err error) (ctrl.Result, error) {
	after := func(wanted time.Duration) ctrl.Result {
		wanted = jitter(wanted)
		if report.Decay > 0 && (wanted == 0 || report.Decay < wanted) {
			wanted = report.Decay
		}
		return ctrl.Result{RequeueAfter: wanted}
	}
	if err == nil {
		return after(report.RequeueAfter), nil
	}
	wait := func(usual time.Duration) ctrl.Result { return after(orElse(fault.Of(err).After, usual)) }
	classified := fault.Of(err)
	switch classified.Class {
	case fault.Throttled:
		return wait(throttledDelay), nil
	case fault.Waiting:
		return wait(waitingDelay), nil
	case fault.Terminal:
		if classified.Reason == fault.InvalidConfiguration && report.Decay > 0 {
			return after(0), nil
		}
		if classified.Reason == fault.InvalidConfiguration {
			return ctrl.Result{}, reconcile.TerminalError(err)
		}
		// The cure may come from outside the cluster, where nothing wakes us.
		return wait(terminalDelay), nil
	default:
		return ctrl.Result{}, err
	}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// jitter spreads work that would otherwise come at the same moment.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d + time.Duration(rand.Int64N(int64(d)/10+1)) //nolint:gosec // nobody gains by guessing it
}
