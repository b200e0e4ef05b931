package ovh_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rempart/rempart/test/emulator/ovh"
)

type regionDocument struct {
	Name          string `json:"name"`
	Type          string `json:"type"`
	Status        string `json:"status"`
	ContinentCode string `json:"continentCode"`
	CountryCode   string `json:"countryCode"`
	Services      []struct {
		Name, Status, Endpoint string
	} `json:"services"`
}

func TestTheProjectsRegions(t *testing.T) {
	a := start(t, ovh.Options{})
	var names []string
	a.get("/region", &names)
	seen := map[string]regionDocument{}
	for _, name := range names {
		var r regionDocument
		a.get("/region/"+name, &r)
		seen[name] = r
	}
	tests := map[string]struct {
		region                         string
		kind, status, country, storage string
	}{
		"a region of one zone in France":               {"GRA", "region", "UP", "fr", "storage-s3-standard"},
		"a region of three zones":                      {"EU-WEST-PAR", "region-3-az", "UP", "fr", "storage-s3-standard"},
		"a compute region without object storage":      {"GRA11", "region", "UP", "fr", ""},
		"London is in EU by continent, not by country": {"UK", "region", "UP", "gb", "storage-s3-standard"},
		"Canada":                  {"BHS", "region", "UP", "ca", "storage-s3-standard"},
		"a local zone":            {"EU-WEST-LZ-MRS-A", "localzone", "UP", "fr", "storage-s3-standard"},
		"a region in maintenance": {"SGP", "region", "MAINTENANCE", "sg", "storage-s3-standard"},
		"the United States":       {"US-EAST-VA", "region", "UP", "us", "storage-s3-standard"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := seen[test.region]
			if r.Type != test.kind || r.Status != test.status || r.CountryCode != test.country {
				t.Errorf("region is %+v", r)
			}
			has := slices.ContainsFunc(r.Services, func(s struct{ Name, Status, Endpoint string }) bool {
				return s.Name == "storage-s3-standard" && s.Status == "UP" && strings.HasPrefix(s.Endpoint, "http://127.0.0.1:")
			})
			if has != (test.storage != "") {
				t.Errorf("object storage is %t: %+v", has, r.Services)
			}
		})
	}
	if seen["UK"].ContinentCode != "EU" {
		t.Errorf("the continent of UK is %s, want the vendor's EU", seen["UK"].ContinentCode)
	}
	if len(a.Running()) != 0 {
		t.Errorf("regions %v were started though nobody used them", a.Running())
	}
}

func TestARegionHasToBeActivated(t *testing.T) {
	a := start(t, ovh.Options{})
	wantStatus(t, a.Get(a.path("/region/AP-SOUTH-MUM"), nil), http.StatusNotFound)
	wantStatus(t, a.Post(a.path("/region/AP-SOUTH-MUM/storage"), document{"name": "somewhere"}, nil), http.StatusNotFound)
	a.post("/region", document{"region": "AP-SOUTH-MUM"}, nil)
	a.get("/region/AP-SOUTH-MUM", nil)
	a.SetRegionActive("AP-SOUTH-MUM", false)
	wantStatus(t, a.Get(a.path("/region/AP-SOUTH-MUM"), nil), http.StatusNotFound)
	wantStatus(t, a.Post(a.path("/region"), document{"region": "ATLANTIS"}, nil), http.StatusNotFound)
}

func TestARegionCanGoIntoMaintenance(t *testing.T) {
	a := start(t, ovh.Options{})
	a.SetRegionStatus("GRA", ovh.Maintenance)
	var r regionDocument
	a.get("/region/GRA", &r)
	if r.Status != "MAINTENANCE" {
		t.Errorf("status is %s", r.Status)
	}
	wantStatus(t, a.Get(a.path("/region/GRA/storage"), nil), http.StatusServiceUnavailable)
}

func TestARegionMayLieAboutItsCountry(t *testing.T) {
	a := start(t, ovh.Options{})
	a.SetCountry("GRA", "CA")
	var r regionDocument
	a.get("/region/GRA", &r)
	if r.CountryCode != "ca" {
		t.Errorf("country is %s", r.CountryCode)
	}
}

// Version 2 pages by headers, which the vendor's client leaves to its caller.
func TestVersion2PagesByCursor(t *testing.T) {
	a := start(t, ovh.Options{})
	var names []string
	cursor, pages := "", 0
	for {
		req, err := a.NewRequest(http.MethodGet, "/v2/publicCloud/project/"+a.Project+"/reference/region", nil, true)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Pagination-Size", "5")
		if cursor != "" {
			req.Header.Set("X-Pagination-Cursor", cursor)
		}
		res, err := a.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var page []struct{ Name, Status, Country string }
		if err := a.UnmarshalResponse(res, &page); err != nil {
			t.Fatal(err)
		}
		if len(page) > 5 {
			t.Fatalf("page has %d entries, want at most 5", len(page))
		}
		for _, r := range page {
			names = append(names, r.Name)
		}
		pages++
		if cursor = res.Header.Get("X-Pagination-Cursor-Next"); cursor == "" {
			break
		}
	}
	if want := len(ovh.DefaultRegions()); len(names) != want || pages != (want+4)/5 {
		t.Errorf("%d regions on %d pages, want %d: %v", len(names), pages, want, names)
	}
}

func TestVersion2TellsARegionInItsOwnWords(t *testing.T) {
	a := start(t, ovh.Options{})
	var r struct {
		Status, Country, Continent string
		Services                   []string
	}
	path := "/v2/publicCloud/project/" + a.Project + "/reference/region/"
	if err := a.Get(path+"SGP", &r); err != nil {
		t.Fatal(err)
	}
	if r.Status != "MAINTENANCE" || r.Country != "SG" || !slices.Contains(r.Services, "storage-s3-standard") {
		t.Errorf("region is %+v", r)
	}
	if err := a.Get(path+"GRA", &r); err != nil || r.Status != "ENABLED" {
		t.Errorf("region is %+v (%v)", r, err)
	}
	wantStatus(t, a.Get(path+"ATLANTIS", nil), http.StatusNotFound)
	req, err := a.NewRequest(http.MethodGet, strings.TrimSuffix(path, "/"), nil, true)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Pagination-Cursor", "made up")
	res, err := a.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a.UnmarshalResponse(res, nil), http.StatusBadRequest)
}
