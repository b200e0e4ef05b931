package ovh

import "time"

// knobs are what tests set while the server runs.
type knobs struct {
	userDelay   time.Duration
	stuck       bool
	userLimit   int
	keyLimit    int
	bucketQuota int
	expired     bool
	visibleIn   time.Duration
}

func (s *Server) set(change func(*knobs)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.knobs)
}

// SetUserDelay says how long users that are made from now on stay `creating`, and
// how long users that are deleted stay `deleting`.
func (s *Server) SetUserDelay(d time.Duration) { s.set(func(k *knobs) { k.userDelay = d }) }

// SetUsersStuck keeps users that are `creating` so, until it is taken back: then
// they are ready at once.
func (s *Server) SetUsersStuck(stuck bool) {
	s.set(func(k *knobs) {
		k.stuck = stuck
		for _, u := range s.users {
			if u.readyAt.IsZero() && !stuck {
				u.readyAt = s.now()
			}
		}
	})
}

// AgeUsers makes the users that there are older, by what the API tells. A client's
// clock stays as it is.
func (s *Server) AgeUsers(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		u.created = u.created.Add(-by)
	}
}

// SetUserLimit bounds the users of the project.
func (s *Server) SetUserLimit(n int) { s.set(func(k *knobs) { k.userLimit = n }) }

// SetKeyLimit bounds the S3 credentials of one user; 0 means no limit. The vendor
// documents none.
func (s *Server) SetKeyLimit(n int) { s.set(func(k *knobs) { k.keyLimit = n }) }

// SetServiceExpired answers everything inside the project with status 460.
func (s *Server) SetServiceExpired(expired bool) { s.set(func(k *knobs) { k.expired = expired }) }

// SetVisibility keeps buckets and users that are made from now on out of answers
// for a while: what was written is read only later.
func (s *Server) SetVisibility(after time.Duration) { s.set(func(k *knobs) { k.visibleIn = after }) }

// SetConsumerKey puts the consumer key into a state: Validated, PendingValidation,
// Expired or Refused.
func (s *Server) SetConsumerKey(state string) { s.Validate(s.ConsumerKey, state) }

// Validate puts any consumer key into a state, as the account's owner does who
// opens the validation URL. It tells whether the key exists.
func (s *Server) Validate(consumerKey, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.consumers[consumerKey]
	if ok {
		known.state = state
	}
	return ok
}

// SetRegionStatus puts a region Up, Down or into Maintenance.
func (s *Server) SetRegionStatus(name, status string) {
	s.inRegion(name, func(r *region) { r.spec.Status = status })
}

// SetRegionActive adds a region to the project or takes it out.
func (s *Server) SetRegionActive(name string, active bool) {
	s.inRegion(name, func(r *region) { r.spec.Inactive = !active })
}

// SetCountry makes the API tell another country of a region.
func (s *Server) SetCountry(name, country string) {
	s.inRegion(name, func(r *region) { r.spec.Country = country })
}

func (s *Server) inRegion(name string, change func(*region)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.regions[name]; ok {
		change(r)
	}
}

// TakeName makes a bucket name one of somebody else's: names are unique across
// all the vendor's customers.
func (s *Server) TakeName(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foreign[name] = true
}
