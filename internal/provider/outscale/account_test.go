package outscale_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/outscale"
)

func TestDiscoverTellsTheRegionAsTheAccountSeesIt(t *testing.T) {
	tests := map[string]struct {
		subregions []emulator.Subregion
		want       provider.Region
	}{
		"codes are the account's own, sorted": {
			[]emulator.Subregion{{Name: "eu-west-2a", State: "available", LocationCode: "PAR4"}, {Name: "eu-west-2b", State: "available", LocationCode: "PAR1"}},
			provider.Region{LocationCodes: []string{"PAR1", "PAR4"}},
		},
		"each is told once": {
			[]emulator.Subregion{{Name: "eu-west-2a", State: "available", LocationCode: "PAR1"}, {Name: "eu-west-2b", State: "available", LocationCode: "PAR1"}},
			provider.Region{LocationCodes: []string{"PAR1"}},
		},
		"what is not available does not count": {
			[]emulator.Subregion{{Name: "eu-west-2a", State: "available", LocationCode: "PAR1"}, {Name: "eu-west-2b", State: "impaired", LocationCode: "PAR4"}},
			provider.Region{LocationCodes: []string{"PAR1"}},
		},
		"a code that is not told is none": {
			[]emulator.Subregion{{Name: "eu-west-2a", State: "available"}},
			provider.Region{},
		},
		"where nothing is available it is in maintenance": {
			[]emulator.Subregion{{Name: "eu-west-2a", State: "impaired", LocationCode: "PAR1"}},
			provider.Region{InMaintenance: true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, emulator.Options{Subregions: test.subregions})
			got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			test.want.Name, test.want.SigningRegion, test.want.Endpoint = "eu-west-2", "eu-west-2", server.OOS
			if diff := cmp.Diff([]provider.Region{test.want}, got); diff != "" {
				t.Errorf("regions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]int{"ReadSubregions": 1}, server.Counts()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiscoverOfManySubregionsWalksThePages(t *testing.T) {
	var many []emulator.Subregion
	for range 150 {
		many = append(many, emulator.Subregion{Name: "eu-west-2a", State: "available", LocationCode: "PAR1"})
	}
	many = append(many, emulator.Subregion{Name: "eu-west-2z", State: "available", LocationCode: "PAR9"})
	server := start(t, emulator.Options{Subregions: many})
	got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Discover(t.Context())
	if err != nil || len(got) != 1 || len(got[0].LocationCodes) != 2 || server.Counts()["ReadSubregions"] != 2 {
		t.Errorf("got %+v, %v after %v", got, err, server.Counts())
	}
	endless := answering(t, document("application/json", 200, `{"Subregions": [], "NextPageToken": "YQ=="}`))
	if _, err := account(t, endless).Discover(t.Context()); !errors.Is(err, provider.ErrServer) {
		t.Errorf("pages without an end: %v", err)
	}
}

func TestDiscoverOfAnotherRegion(t *testing.T) {
	server := start(t, emulator.Options{Region: "us-east-2"})
	place := placeOf(server)
	place.Region = "eu-west-2"
	_, err := account(t, open(t, place, server.AccessKey, server.SecretKey)).Discover(t.Context())
	if !errors.Is(err, provider.ErrInvalidConfiguration) || !fault.HasReason(err, fault.InvalidConfiguration) {
		t.Errorf("an API of another region: %v", err)
	}
	empty := start(t, emulator.Options{Subregions: []emulator.Subregion{}})
	got, err := account(t, open(t, placeOf(empty), empty.AccessKey, empty.SecretKey)).Discover(t.Context())
	if err != nil || len(got) != 0 {
		t.Errorf("a region that the account cannot reach: %+v, %v", got, err)
	}
	// At OOS, the region in the signature gives it away.
	session := open(t, place, server.AccessKey, server.SecretKey)
	if _, err := session.Ping(t.Context()); !errors.Is(err, provider.ErrInvalidConfiguration) {
		t.Errorf("OOS of another region: %v", err)
	}
}

// TestAnAccountNeedsNoLocation: whoever asks what regions there are knows none yet.
func TestAnAccountNeedsNoLocation(t *testing.T) {
	server := start(t, emulator.Options{})
	place := placeOf(server)
	place.Provider = "outscale"
	session, err := driver.Open(place, credentials(server.AccessKey, server.SecretKey))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := account(t, session).Discover(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

var footprint = emulator.Options{
	Consumption: []emulator.Consumption{
		{From: day(2026, 9, 1), To: day(2026, 10, 1), Service: "TinaOS-OOS", Type: "StorageUsage", Value: 1000},
		{From: day(2026, 10, 1), To: day(2026, 11, 1), Service: "TinaOS-OOS", Type: "StorageUsage", Value: 2},
		{From: day(2026, 11, 1), To: day(2026, 11, 25), Service: "TinaOS-OOS", Type: "StorageUsage", Value: 3},
		{From: day(2026, 11, 24), To: day(2026, 11, 25), Service: "TinaOS-OOS", Type: "Requests", Value: 7},
		{From: day(2026, 11, 1), To: day(2026, 11, 25), Service: "TinaOS-FCU", Type: "BoxUsage", Value: 5000},
	},
	Emissions: []emulator.Emission{
		{Month: day(2026, 9, 1), Kilograms: map[string]float64{"compute": 1000}},
		{Month: day(2026, 10, 1), Kilograms: map[string]float64{"compute": 1.5, "storage": 0.5}},
		{Month: day(2026, 11, 1), Kilograms: map[string]float64{"storage": 0.25}},
	},
}

func TestFootprintIsOfObjectStorageAndOfTheMonthsAskedFor(t *testing.T) {
	server := start(t, footprint)
	kilograms := 2.25
	want := provider.Footprint{
		CO2Kilograms: &kilograms,
		Consumption:  []provider.Consumption{{Kind: "Requests", Value: 7}, {Kind: "StorageUsage", Value: 5}},
	}
	got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Footprint(t.Context(), day(2026, 10, 17))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("footprint (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"ReadConsumptionAccount": 1, "ReadCO2EmissionAccount": 1}, server.Counts()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestFootprintOfANewAccountIsEmpty(t *testing.T) {
	server := start(t, emulator.Options{})
	none := 0.0
	got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Footprint(t.Context(), today)
	if diff := cmp.Diff(provider.Footprint{CO2Kilograms: &none}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestFootprintLeavesOutWhatTheKeyMayNotRead(t *testing.T) {
	may := func(action string) string {
		return `{"Statement": [{"Effect": "Allow", "Action": ["api:` + action + `"], "Resource": ["*"]}]}`
	}
	tests := map[string]struct {
		policy              string
		emissions, consumed bool
		want                error
	}{
		"everything":     {may("Read*"), true, true, nil},
		"no emissions":   {may("ReadConsumptionAccount"), false, true, nil},
		"no consumption": {may("ReadCO2EmissionAccount"), true, false, nil},
		"nothing":        {may("ReadVms"), false, false, provider.ErrDenied},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, footprint)
			accessKey, secretKey, err := server.AddUser("reader", test.policy)
			if err != nil {
				t.Fatal(err)
			}
			got, err := account(t, open(t, placeOf(server), accessKey, secretKey)).Footprint(t.Context(), day(2026, 10, 1))
			if (got.CO2Kilograms != nil) != test.emissions || (got.Consumption != nil) != test.consumed || !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestFootprintFailsWhereSomethingIsWrong(t *testing.T) {
	for _, action := range []string{"ReadConsumptionAccount", "ReadCO2EmissionAccount"} {
		server := start(t, footprint)
		server.Fail(action, 1, emulator.AccountThrottled())
		got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Footprint(t.Context(), today)
		if !errors.Is(err, provider.ErrThrottled) || got.CO2Kilograms != nil || got.Consumption != nil {
			t.Errorf("%s throttled: %+v, %v", action, got, err)
		}
	}
}

func TestFootprintTellsKilogramsOnly(t *testing.T) {
	session := answering(t, document("application/json", 200, `{"ConsumptionEntries": [], "Unit": "T", "Value": 3}`))
	if got, err := account(t, session).Footprint(t.Context(), today); err != nil || got.CO2Kilograms != nil {
		t.Errorf("tons became %+v, %v", got, err)
	}
}

func TestMachinesAreThoseThatAreThere(t *testing.T) {
	server := start(t, emulator.Options{VMs: []emulator.VM{
		{ID: "i-0000000b", Subregion: "eu-west-2b", State: "stopped", Type: "tinav5.c1r1p2"},
		{ID: "i-0000000a", Subregion: "eu-west-2a", State: "running", Type: "tinav5.c1r1p2"},
		{ID: "i-0000000c", Subregion: "eu-west-2a", State: "terminated", Type: "tinav5.c1r1p2"},
	}})
	got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Machines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []provider.Machine{{ID: "i-0000000a", Region: "eu-west-2a"}, {ID: "i-0000000b", Region: "eu-west-2b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("machines (-want +got):\n%s", diff)
	}
	empty := start(t, emulator.Options{})
	none, err := account(t, open(t, placeOf(empty), empty.AccessKey, empty.SecretKey)).Machines(t.Context())
	if err != nil || len(none) != 0 {
		t.Errorf("an account without machines has %v, %v", none, err)
	}
}

func TestManyMachinesAreWalkedPageByPage(t *testing.T) {
	var many []emulator.VM
	for i := range 1500 {
		many = append(many, emulator.VM{ID: fmt.Sprintf("i-%08x", i), Subregion: "eu-west-2a", State: "running", Type: "tinav5.c1r1p2"})
	}
	server := start(t, emulator.Options{VMs: many})
	got, err := account(t, open(t, placeOf(server), server.AccessKey, server.SecretKey)).Machines(t.Context())
	if err != nil || len(got) != len(many) || server.Counts()["ReadVms"] != 2 {
		t.Errorf("got %d machines, %v after %v", len(got), err, server.Counts())
	}
	endless := answering(t, document("application/json", 200, `{"Vms": [], "NextPageToken": "YQ=="}`))
	if _, err := account(t, endless).Machines(t.Context()); !errors.Is(err, provider.ErrServer) {
		t.Errorf("pages without an end: %v", err)
	}
}
