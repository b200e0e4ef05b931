package ownership_test

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

var (
	here  = ownership.Installation{ID: "mairie", Key: []byte("key")}
	actes = ownership.Owner{Namespace: "etat-civil", Name: "actes"}
	gra   = ownership.Place{Provider: "ovh", Location: "GRA"}
)

func TestMarks(t *testing.T) {
	mark := here.Mark(actes, "actes-1")
	forged := mark
	forged.Signature = strings.Repeat("0", 64)
	otherKey := ownership.Installation{ID: "mairie", Key: []byte("other")}.Mark(actes, "actes-1")
	otherInstallation := ownership.Installation{ID: "region", Key: []byte("key")}.Mark(actes, "actes-1")

	for name, test := range map[string]struct {
		mark   *provider.Mark
		owner  ownership.Owner
		bucket string
		want   ownership.Standing
	}{
		"its own":                           {&mark, actes, "actes-1", ownership.Mine},
		"none":                              {nil, actes, "actes-1", ownership.Unmarked},
		"copied to another bucket":          {&mark, actes, "actes-2", ownership.Stranger},
		"another dataset's":                 {&mark, ownership.Owner{Namespace: "etat-civil", Name: "listes"}, "actes-1", ownership.Stranger},
		"a dataset's, asked for by a drill": {&mark, ownership.Owner{Namespace: "etat-civil", Name: "actes", Drill: "d"}, "actes-1", ownership.Stranger},
		"forged":                            {&forged, actes, "actes-1", ownership.Stranger},
		"signed with another key":           {&otherKey, actes, "actes-1", ownership.Stranger},
		"another installation's":            {&otherInstallation, actes, "actes-1", ownership.Stranger},
	} {
		if got := here.Judge(test.mark, test.owner, test.bucket); got != test.want {
			t.Errorf("a mark that is %s is judged %s, want %s", name, got, test.want)
		}
	}
}

func TestBucketNamesAreLegalEverywhere(t *testing.T) {
	legal := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$`)
	for _, name := range []string{
		"actes", "a", "a--b", "-a-", "UPPER.case", "192.168.0.1", strings.Repeat("long-", 60), "é", "...", "xn--80ak6aa92e", "1",
	} {
		for _, drill := range []string{"", "d--1", strings.Repeat("d", 200)} {
			got := here.BucketName(ownership.Owner{Namespace: "ns", Name: name, Drill: drill}, gra)
			if !legal.MatchString(got) || strings.Contains(got, "--") || net.ParseIP(got) != nil || strings.HasPrefix(got, "xn--") {
				t.Errorf("the bucket of %q, drill %q, is called %q", name, drill, got)
			}
		}
	}
}

func TestNamesDependOnEverythingTheyStandFor(t *testing.T) {
	names := map[string]string{}
	add := func(what, name string) {
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s are both called %s", what, other, name)
		}
		names[name] = what
	}
	add("the dataset", here.BucketName(actes, gra))
	add("its key", here.Consumer(actes, gra))
	add("a key of an access", here.AccessConsumer(actes, gra, "actes", 0))
	add("the other key of it", here.AccessConsumer(actes, gra, "actes", 1))
	add("a key of another access", here.AccessConsumer(actes, gra, "report", 0))
	add("an access", here.AccessID(actes, "actes"))
	add("another access", here.AccessID(actes, "report"))
	add("the next attempt", here.BucketName(actes, ownership.Place{Provider: "ovh", Location: "GRA", Attempt: 1}))
	add("another location", here.BucketName(actes, ownership.Place{Provider: "ovh", Location: "SBG"}))
	add("another provider", here.BucketName(actes, ownership.Place{Provider: "osc", Location: "GRA"}))
	add("another namespace", here.BucketName(ownership.Owner{Namespace: "ccas", Name: "actes"}, gra))
	add("a drill", here.BucketName(ownership.Owner{Namespace: "etat-civil", Name: "actes", Drill: "d"}, gra))
	add("another drill", here.BucketName(ownership.Owner{Namespace: "etat-civil", Name: "actes", Drill: "e"}, gra))
	add("another installation", ownership.Installation{ID: "region"}.BucketName(actes, gra))
	if once, again := here.BucketName(actes, gra), here.BucketName(actes, gra); once != again {
		t.Error("the same thing is called differently")
	}
}
