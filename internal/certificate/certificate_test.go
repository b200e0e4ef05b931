package certificate_test

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/certificate"
)

var (
	start = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	hosts = []string{"rempart-webhook.rempart-system.svc", "127.0.0.1"}
)

const day = 24 * time.Hour

func renew(t *testing.T, now time.Time, before certificate.Kept, hosts ...string) certificate.Renewal {
	t.Helper()
	renewal, err := certificate.Renew(now, before, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return renewal
}

func authorities(t *testing.T, kept certificate.Kept) []*x509.Certificate {
	t.Helper()
	var found []*x509.Certificate
	for block, rest := pem.Decode(kept.Authorities); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, parsed)
	}
	return found
}

// wantTrusted checks that whoever trusts the bundle takes what is served.
func wantTrusted(t *testing.T, now time.Time, trusted, served certificate.Kept) {
	t.Helper()
	pair, err := served.Pair()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusted.Authorities)
	for _, host := range hosts {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: now}); err != nil {
			t.Errorf("at %s, as %s: %v", now, host, err)
		}
	}
}

func TestNothingKeptMakesEverything(t *testing.T) {
	made := renew(t, start, certificate.Kept{}, hosts...)
	if !made.Changed || len(authorities(t, made.Kept)) != 1 {
		t.Errorf("changed is %t, and there are %d authorities", made.Changed, len(authorities(t, made.Kept)))
	}
	wantTrusted(t, start, made.Kept, made.Kept)
	wantTrusted(t, start.Add(-30*time.Minute), made.Kept, made.Kept) // on a clock that is behind
	authority := authorities(t, made.Kept)[0]
	pair, err := made.Pair()
	if err != nil {
		t.Fatal(err)
	}
	if !authority.IsCA || authority.KeyUsage != x509.KeyUsageCertSign || pair.Leaf.IsCA || pair.Leaf.SerialNumber.Cmp(authority.SerialNumber) == 0 {
		t.Errorf("the authority is %+v, what it signed %+v", authority, pair.Leaf)
	}
	again := renew(t, start.Add(day), made.Kept, hosts...)
	if again.Changed || !again.Next.Equal(made.Next) {
		t.Errorf("a day later it changed (%t), and the next look is at %s instead of %s", again.Changed, again.Next, made.Next)
	}
}

func TestWhatCannotBeServedIsMadeAnewAtOnce(t *testing.T) {
	made := renew(t, start, certificate.Kept{}, hosts...).Kept
	other := renew(t, start, certificate.Kept{}, hosts...).Kept
	for name, test := range map[string]struct {
		spoil func(*certificate.Kept)
		at    time.Time
		hosts []string
		// keepsAuthority tells that the first authority stays.
		keepsAuthority bool
	}{
		"no certificate":                       {func(k *certificate.Kept) { k.Certificate = nil }, start, hosts, true},
		"no key":                               {func(k *certificate.Kept) { k.Key = nil }, start, hosts, true},
		"another's key":                        {func(k *certificate.Kept) { k.Key = other.Key }, start, hosts, true},
		"a certificate of another authority":   {func(k *certificate.Kept) { k.Certificate, k.Key = other.Certificate, other.Key }, start, hosts, true},
		"a host that is missing":               {func(*certificate.Kept) {}, start, append(slices.Clone(hosts), "rempart.example.fr"), true},
		"no authority":                         {func(k *certificate.Kept) { k.Authorities = nil }, start, hosts, false},
		"words instead of an authority":        {func(k *certificate.Kept) { k.Authorities = []byte("authority") }, start, hosts, false},
		"no key of the authority":              {func(k *certificate.Kept) { k.AuthorityKey = nil }, start, hosts, false},
		"words instead of its key":             {func(k *certificate.Kept) { k.AuthorityKey = []byte("key") }, start, hosts, false},
		"another authority's key":              {func(k *certificate.Kept) { k.AuthorityKey = other.AuthorityKey }, start, hosts, false},
		"a served certificate as authority":    {func(k *certificate.Kept) { k.Authorities, k.AuthorityKey = k.Certificate, k.Key }, start, hosts, false},
		"an operator that was down for months": {func(*certificate.Kept) {}, start.Add(certificate.ServingLifetime), hosts, true},
		"and for years":                        {func(*certificate.Kept) {}, start.Add(2 * certificate.AuthorityLifetime), hosts, false},
		"a clock that went back":               {func(*certificate.Kept) {}, start.Add(-day), hosts, false},
	} {
		t.Run(name, func(t *testing.T) {
			kept := made
			test.spoil(&kept)
			renewal := renew(t, test.at, kept, test.hosts...)
			if !renewal.Changed {
				t.Fatal("nothing changed")
			}
			wantTrusted(t, test.at, renewal.Kept, renewal.Kept)
			first := authorities(t, made)[0]
			if got := authorities(t, renewal.Kept)[0].Equal(first); got != test.keepsAuthority {
				t.Errorf("the authority stays: %t, want %t", got, test.keepsAuthority)
			}
			if again := renew(t, test.at, renewal.Kept, test.hosts...); again.Changed {
				t.Error("a second look changes it again")
			}
		})
	}
}

// Three years, looked at when the last look says, and at odd times between: at every
// look what is served is trusted by who knows the bundle of now, and of the look
// before; and what was served at the look before by who knows that of now.
func TestThreeYearsGoByWithoutDistrust(t *testing.T) {
	now := start
	last := renew(t, now, certificate.Kept{}, hosts...)
	issued, signed := 0, 0
	for i := 0; now.Before(start.Add(3 * 365 * day)); i++ {
		before := now
		now = last.Next
		if odd := before.Add(time.Duration(i%7+1) * 11 * time.Hour); i%3 != 0 && odd.Before(now) {
			now = odd
		}
		if now.Before(before) {
			t.Fatalf("the next look is at %s, before %s", now, before)
		}
		next := renew(t, now, last.Kept, hosts...)
		wantTrusted(t, now, next.Kept, next.Kept)
		wantTrusted(t, now, next.Kept, last.Kept)
		wantTrusted(t, now, last.Kept, next.Kept)
		if left := pairEnd(t, next.Kept).Sub(now); left < certificate.ServingLifetime/3-2*time.Hour {
			t.Errorf("at %s what is served has %s left", now, left)
		}
		if pairEnd(t, next.Kept).After(authorities(t, next.Kept)[0].NotAfter) {
			t.Errorf("at %s what is served outlives the authority", now)
		}
		if string(next.Certificate) != string(last.Certificate) {
			issued++
		}
		if string(next.AuthorityKey) != string(last.AuthorityKey) {
			signed++
			if string(next.Certificate) != string(last.Certificate) {
				t.Errorf("at %s a new authority signs what is served at once", now)
			}
		}
		if count := len(authorities(t, next.Kept)); count > 2 {
			t.Errorf("at %s there are %d authorities", now, count)
		}
		last = next
	}
	if signed != 4 || issued < 18 || issued > 23 {
		t.Errorf("there were %d new authorities and %d new certificates", signed, issued)
	}
}

func pairEnd(t *testing.T, kept certificate.Kept) time.Time {
	t.Helper()
	pair, err := kept.Pair()
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.NotAfter
}

func TestAHostIsNeeded(t *testing.T) {
	if _, err := certificate.Renew(start, certificate.Kept{}, nil); err == nil {
		t.Error("a certificate for nobody was made")
	}
}

func TestAHolderServesWhatItWasGivenLast(t *testing.T) {
	var holder certificate.Holder
	if _, err := holder.GetCertificate(nil); err == nil {
		t.Error("nothing is served without an error")
	}
	for range 2 {
		pair, err := renew(t, start, certificate.Kept{}, hosts...).Pair()
		if err != nil {
			t.Fatal(err)
		}
		holder.Set(pair)
		if got, err := holder.GetCertificate(nil); err != nil || got != pair {
			t.Errorf("it serves %v: %v", got, err)
		}
	}
}
