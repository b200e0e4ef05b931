package ovh_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/ovh"
)

type services []map[string]string

func service(name, status, endpoint string) map[string]string {
	return map[string]string{"name": name, "status": status, "endpoint": endpoint}
}

func TestDiscoveryGivesTheRegionsWithObjectStorage(t *testing.T) {
	regions := map[string]map[string]any{
		"SBG": {"type": "region", "status": "UP", "countryCode": "FR", "continentCode": "EU", "datacenterLocation": "SBG", "services": services{
			service("instance", "UP", ""), service("storage-s3-high-perf", "UP", "https://s3.sbg.perf.cloud.ovh.net/"),
			service("storage-s3-standard", "UP", "https://s3.sbg.io.cloud.ovh.net/"),
		}},
		"UK": {"type": "region", "status": "UP", "countryCode": "gb", "continentCode": "EU", "services": services{
			service("storage-s3-high-perf", "UP", "https://s3.uk.io.cloud.ovh.net"),
		}},
		"EU-WEST-PAR": {"type": "region-3-az", "status": "MAINTENANCE", "countryCode": "FR", "services": services{
			service("storage-s3-standard", "DOWN", "https://s3.eu-west-par.io.cloud.ovh.net/"),
		}},
		"US-EAST-VA": {"type": "region", "status": "UP", "countryCode": "US", "services": services{
			service("storage-s3-standard", "UP", "https://s3.us-east-va.io.cloud.ovh.us/"),
		}},
		"LAB":            {"type": "region", "status": "UP", "continentCode": "EU", "services": services{service("storage-s3-standard", "UP", "http://127.0.0.1:9000")}},
		"OLD":            {"type": "region", "status": "UP", "countryCode": "FR", "services": services{service("storage-s3-high-perf", "UP", "https://s3.old.perf.cloud.ovh.net")}},
		"GRA11":          {"type": "region", "status": "UP", "countryCode": "FR", "services": services{service("instance", "UP", "")}},
		"WAW":            {"type": "region", "status": "UP", "countryCode": "PL", "services": services{service("storage-s3-standard", "DOWN", "https://s3.waw.io.cloud.ovh.net/")}},
		"EU-WEST-LZ-MRS": {"type": "localzone", "status": "UP", "countryCode": "FR", "services": services{service("storage-s3-standard", "UP", "https://s3.eu-west-lz-mrs.io.cloud.ovh.net/")}},
	}
	names := []string{"WENT"}
	answers := map[string][]answer{}
	for name, told := range regions {
		names = append(names, name)
		told["name"] = name
		answers["GET "+inProject+"/region/"+name] = []answer{good(told)}
	}
	answers[askRegions] = []answer{good(names)}
	_, _, session := scripted(t, answers)
	account, ok := session.Account()
	if !ok {
		t.Fatal("the session has no account")
	}
	got, err := account.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []provider.Region{
		{Name: "EU-WEST-PAR", Country: "FR", Endpoint: "https://s3.eu-west-par.io.cloud.ovh.net", SigningRegion: "eu-west-par", InMaintenance: true},
		{Name: "LAB", Endpoint: "http://127.0.0.1:9000", SigningRegion: "lab"},
		{Name: "OLD", Country: "FR", SigningRegion: "old"},
		{Name: "SBG", Country: "FR", LocationCodes: []string{"SBG"}, Endpoint: "https://s3.sbg.io.cloud.ovh.net", SigningRegion: "sbg"},
		{Name: "UK", Country: "GB", Endpoint: "https://s3.uk.io.cloud.ovh.net", SigningRegion: "uk"},
		{Name: "US-EAST-VA", Country: "US", Endpoint: "https://s3.us-east-va.io.cloud.ovh.us", SigningRegion: "us-east-va"},
		{Name: "WAW", Country: "PL", Endpoint: "https://s3.waw.io.cloud.ovh.net", SigningRegion: "waw", InMaintenance: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

func TestAccountHasNoFootprintAndStatedLimits(t *testing.T) {
	s, _, session := scripted(t, nil)
	account, _ := session.Account()
	_, err := account.Footprint(t.Context(), time.Time{})
	wantFailure(t, err, failure{provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, 0})
	if diff := cmp.Diff(provider.StoreLimits{Buckets: 100}, session.Limits()); diff != "" || len(s.asked) > 0 {
		t.Errorf("limits (-want +got):\n%s, asked %q", diff, s.asked)
	}
}

func TestMachinesAreTheInstancesOfTheProject(t *testing.T) {
	const askMachines = "GET " + inProject + "/instance"
	instance := func(id, region, status string) map[string]any {
		return map[string]any{"id": id, "name": "node-" + id, "region": region, "status": status, "flavorId": "f", "ipAddresses": []any{}}
	}
	for name, test := range map[string]struct {
		told answer
		want []provider.Machine
		fail *failure
	}{
		"in the order of their ids, those that are gone left out": {told: good([]any{
			instance("b2", "SBG5", "SHUTOFF"), instance("a1", "GRA11", "ACTIVE"), instance("c3", "GRA11", "DELETED"), instance("d4", "GRA11", "SOFT_DELETED"),
		}), want: []provider.Machine{{ID: "a1", Region: "GRA11"}, {ID: "b2", Region: "SBG5"}}},
		"none": {told: good([]any{}), want: []provider.Machine{}},
		"not to this key": {
			told: refusal(http.StatusForbidden, "Client::Forbidden", "This call has not been granted"),
			fail: &failure{provider.ErrDenied, fault.Terminal, fault.AccessDenied, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, session := scripted(t, map[string][]answer{askMachines: {test.told}})
			account, _ := session.Account()
			got, err := account.Machines(t.Context())
			if test.fail != nil {
				wantFailure(t, err, *test.fail)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("machines (-want +got):\n%s\nasked %q", diff, s.asked)
			}
		})
	}
}

// A session on a place without a location serves the account and nothing else, and
// sends nothing for what it does not serve.
func TestAccountSession(t *testing.T) {
	s, store, _ := scripted(t, nil)
	place := placeAt(s.server.URL+"/1.0", "")
	place.Location, place.Region = "", ""
	session := open(t, ovh.New(quick()), place, credentials())
	if _, issues := session.Keys(); issues {
		t.Error("it issues keys")
	}
	for name, do := range map[string]func() error{
		"ping": func() error { return ping(t.Context(), session) }, "list": func() error { return list(t.Context(), session) },
		"observe": func() error { return observe(t.Context(), session) }, "create": func() error { return create(t.Context(), session) },
		"update": func() error { return update(t.Context(), session) }, "delete": func() error { return remove(t.Context(), session) },
		"head": func() error { return head(t.Context(), session) },
	} {
		if err := do(); !errors.Is(err, provider.ErrUnsupported) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %q", s.asked)
	}
	account, ok := session.Account()
	if !ok {
		t.Fatal("it has no account")
	}
	regions, err := account.Discover(t.Context())
	if err != nil || len(regions) != 1 || regions[0].Endpoint != store.URL {
		t.Errorf("found %+v, %v", regions, err)
	}
}
