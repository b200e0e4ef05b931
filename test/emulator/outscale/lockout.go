package outscale

import "time"

const (
	// lockAfter is how many bad signatures in a row lock a key.
	lockAfter = 4
	// lockLongest bounds how long a key is locked.
	lockLongest = 10 * time.Minute
)

// attempts are the failed ones of one key or login.
type attempts struct {
	// inARow counts the failures since the last success.
	inARow int
	until  time.Time
}

// locks are the attempts by key or login. The server's mu guards them.
type locks map[string]*attempts

func (l locks) isLocked(who string, now time.Time) bool {
	known := l[who]
	return known != nil && now.Before(known.until)
}

// failed notes a failure. Every fourth in a row locks, each time a minute longer.
func (l locks) failed(who string, now time.Time) {
	known := l[who]
	if known == nil {
		known = &attempts{}
		l[who] = known
	}
	known.inARow++
	if known.inARow%lockAfter == 0 {
		known.until = now.Add(min(time.Duration(known.inARow/lockAfter)*time.Minute, lockLongest))
	}
}

func (l locks) succeeded(who string) { delete(l, who) }
