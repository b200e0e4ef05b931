package outscale_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/test/emulator/outscale"
)

func TestEightActionsAreOpenToEverybody(t *testing.T) {
	server := start(t, outscale.Options{})
	for _, action := range []string{
		"ReadFlexibleGpuCatalog", "ReadLocations", "ReadNetAccessPointServices", "ReadProductTypes",
		"ReadPublicCatalog", "ReadPublicIpRanges", "ReadRegions", "ReadVmTypes",
	} {
		if got := request(t, http.MethodPost, server.URL+"/"+action, "{}", nil); got.status != 200 || len(got.document) < 2 {
			t.Errorf("%s: got %d %v", action, got.status, got.document)
		}
	}
}

func TestReadRegionsLeavesRegionsOut(t *testing.T) {
	server := start(t, outscale.Options{Region: "cloudgouv-eu-west-1"})
	client, ctx := sdk(t, server, server.AccessKey, server.SecretKey)
	read, _, err := client.RegionApi.ReadRegions(ctx).Execute()
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range read.GetRegions() {
		if region.GetRegionName() == server.Region {
			t.Errorf("it names the region that is served, which the vendor's own example leaves out")
		}
	}
}

func TestSubregionsAreThoseOfTheRegionAsTheAccountSeesThem(t *testing.T) {
	server := start(t, outscale.Options{Subregions: []outscale.Subregion{
		{Name: "eu-west-2a", State: "available", LocationCode: "PAR4"}, {Name: "eu-west-2b", State: "available", LocationCode: "PAR1"}, {Name: "eu-west-2c", State: "impaired", LocationCode: "PAR5"},
	}})
	client, ctx := sdk(t, server, server.AccessKey, server.SecretKey)
	codes := func(filters osc.FiltersSubregion) []string {
		t.Helper()
		read, _, err := client.SubregionApi.ReadSubregions(ctx).ReadSubregionsRequest(osc.ReadSubregionsRequest{Filters: &filters}).Execute()
		if err != nil {
			t.Fatal(err)
		}
		codes := []string{}
		for _, subregion := range read.GetSubregions() {
			codes = append(codes, subregion.GetLocationCode())
		}
		return codes
	}
	for name, test := range map[string]struct {
		filters osc.FiltersSubregion
		want    []string
	}{
		"all":               {osc.FiltersSubregion{}, []string{"PAR4", "PAR1", "PAR5"}},
		"by state":          {osc.FiltersSubregion{States: &[]string{"available"}}, []string{"PAR4", "PAR1"}},
		"by name":           {osc.FiltersSubregion{SubregionNames: &[]string{"eu-west-2b"}}, []string{"PAR1"}},
		"of another region": {osc.FiltersSubregion{RegionNames: &[]string{"us-east-2"}}, []string{}},
		"of the region":     {osc.FiltersSubregion{RegionNames: &[]string{"eu-west-2"}}, []string{"PAR4", "PAR1", "PAR5"}},
	} {
		if diff := cmp.Diff(test.want, codes(test.filters)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPagesAreWalkedByTheirToken(t *testing.T) {
	var machines []outscale.VM
	for i := range 7 {
		machines = append(machines, outscale.VM{ID: fmt.Sprintf("i-%08x", i), Subregion: "eu-west-2a", State: "running", Type: "tinav5.c1r1p2"})
	}
	server := start(t, outscale.Options{VMs: machines})
	client, ctx := sdk(t, server, server.AccessKey, server.SecretKey)
	var walked []string
	wanted := osc.ReadVmsRequest{ResultsPerPage: osc.PtrInt32(3)}
	for pages := 1; ; pages++ {
		read, _, err := client.VmApi.ReadVms(ctx).ReadVmsRequest(wanted).Execute()
		if err != nil {
			t.Fatal(err)
		}
		for _, machine := range read.GetVms() {
			walked = append(walked, machine.GetVmId())
		}
		if !read.HasNextPageToken() {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		wanted.NextPageToken = read.NextPageToken
	}
	if len(walked) != 7 || walked[6] != "i-00000006" {
		t.Errorf("walked %q", walked)
	}
	for _, size := range []int32{0, 1001} {
		_, answer, err := client.VmApi.ReadVms(ctx).ReadVmsRequest(osc.ReadVmsRequest{ResultsPerPage: &size}).Execute()
		if status, code := codes(t, answer, err); status != 400 || code != "4123" {
			t.Errorf("pages of %d: %d %q", size, status, code)
		}
	}
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestConsumptionAndEmissionsAreThoseOfAPeriod(t *testing.T) {
	server := start(t, outscale.Options{
		Consumption: []outscale.Consumption{
			{From: day(2026, 9, 1), To: day(2026, 10, 1), Service: "TinaOS-OOS", Type: "StorageUsage", Value: 1},
			{From: day(2026, 10, 1), To: day(2026, 11, 1), Service: "TinaOS-OOS", Type: "StorageUsage", Value: 2, UnitPrice: 0.5},
			{From: day(2026, 11, 1), To: day(2026, 11, 24), Service: "TinaOS-FCU", Type: "BoxUsage", Value: 4},
		},
		Emissions: []outscale.Emission{
			{Month: day(2026, 9, 1), Kilograms: map[string]float64{"compute": 1}},
			{Month: day(2026, 10, 1), Kilograms: map[string]float64{"compute": 2, "storage": 0.5}},
		},
	})
	used := ask(t, server, "ReadConsumptionAccount", `{"FromDate": "2026-10-01", "ToDate": "2026-11-01", "ShowPrice": true}`)
	entries := used.document["ConsumptionEntries"].([]any)
	if len(entries) != 1 || entries[0].(map[string]any)["Value"] != 2.0 || entries[0].(map[string]any)["Price"] != 1.0 || used.document["Currency"] != "EUR" {
		t.Errorf("used %v", used.document)
	}
	emitted := ask(t, server, "ReadCO2EmissionAccount", `{"FromMonth": "2026-10-01", "ToMonth": "2026-11-01"}`)
	if emitted.document["Value"] != 2.5 || emitted.document["Unit"] != "KG" || len(emitted.document["CO2EmissionEntries"].([]any)) != 1 {
		t.Errorf("emitted %v", emitted.document)
	}
	for body, want := range map[string]string{
		`{"FromDate": "2026-11-01"}`:                         "7000",
		`{"FromDate": "2026-11-01", "ToDate": "2026-10-01"}`: "4118",
		`{"FromDate": "2026-11-01", "ToDate": "2026-11-01"}`: "4118",
		`{"FromDate": "yesterday", "ToDate": "2026-11-01"}`:  "4118",
	} {
		if got := ask(t, server, "ReadConsumptionAccount", body); got.code != want {
			t.Errorf("%s: got %d %q", body, got.status, got.code)
		}
	}
	if got := ask(t, server, "ReadCO2EmissionAccount", `{"FromMonth": "2026-10-02", "ToMonth": "2026-11-01"}`); got.code != "4118" {
		t.Errorf("a month that does not begin on its first day: %d %q", got.status, got.code)
	}
}

func TestQuotasAreFiltered(t *testing.T) {
	server := start(t, outscale.Options{})
	if got := ask(t, server, "ReadQuotas", `{"Filters": {"QuotaNames": ["lb_limit"]}}`); len(got.document["QuotaTypes"].([]any)) != 1 {
		t.Errorf("got %v", got.document)
	}
	if got := ask(t, server, "ReadQuotas", `{"Filters": {"Collections": ["OOS"]}}`); len(got.document["QuotaTypes"].([]any)) != 0 {
		t.Errorf("got %v", got.document)
	}
}

func TestTheAccountIsToldAndItsPasswordChecked(t *testing.T) {
	server := start(t, outscale.Options{AccountID: "210987654321", Login: "root@example.fr", Password: "a password"})
	accounts := ask(t, server, "ReadAccounts", "").document["Accounts"].([]any)
	if len(accounts) != 1 || accounts[0].(map[string]any)["AccountId"] != "210987654321" {
		t.Errorf("got %v", accounts)
	}
	for password, want := range map[string]int{"a password": 200, "another": 401} {
		body := fmt.Sprintf(`{"Login": "root@example.fr", "Password": %q}`, password)
		if got := ask(t, server, "CheckAuthentication", body); got.status != want {
			t.Errorf("%s: got %d %q", password, got.status, got.code)
		}
	}
}
