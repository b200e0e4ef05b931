package outscale

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

type checkIn struct {
	Dry
	Login    string `needed:""`
	Password string `needed:""`
}

func checkAuthentication(c *call, in checkIn) (struct{}, error) {
	if refused := c.authenticateLogin(in.Login, in.Password); refused != nil {
		return struct{}{}, refused
	}
	return struct{}{}, nil
}

type accountOut struct {
	AccountID                                                       string `json:"AccountId"`
	CustomerID                                                      string `json:"CustomerId"`
	City, CompanyName, Country, Email, FirstName, LastName, ZipCode string
}

func readAccounts(c *call, _ dryIn) (struct{ Accounts []accountOut }, error) {
	return struct{ Accounts []accountOut }{[]accountOut{{
		AccountID: c.options.AccountID, CustomerID: "87654321", City: "RENNES", CompanyName: "SYNDICAT MIXTE NUMERIQUE",
		Country: "FRANCE", Email: c.options.Login, FirstName: "JEANNE", LastName: "DUPONT", ZipCode: "35000",
	}}}, nil
}

type quota struct {
	AccountID                                            string `json:"AccountId"`
	Description, Name, QuotaCollection, ShortDescription string
	MaxValue, UsedValue                                  int
}

type quotaType struct {
	QuotaType string
	Quotas    []quota
}

type quotasIn struct {
	Dry
	Paged
	Filters struct{ Collections, QuotaNames, QuotaTypes, ShortDescriptions []string }
}

type quotas struct {
	QuotaTypes    []quotaType
	NextPageToken string `json:",omitempty"`
}

// readQuotas tells of quotas as the vendor's example does. Those of OOS and of
// access keys are not among them.
func readQuotas(c *call, in quotasIn) (quotas, error) {
	const global = "global"
	all := []quota{
		{c.options.AccountID, "Maximum number of load balancers per region", "lb_limit", "LBU", "Load Balancer Limit", 20, 0},
		{c.options.AccountID, "Maximum number of VMs", "vm_limit", "Compute", "VM Limit", 25, len(c.options.VMs)},
	}
	all = slices.DeleteFunc(all, func(q quota) bool {
		return !contains(in.Filters.Collections, q.QuotaCollection) || !contains(in.Filters.QuotaNames, q.Name) ||
			!contains(in.Filters.QuotaTypes, global) || !contains(in.Filters.ShortDescriptions, q.ShortDescription)
	})
	items, next, err := page(in.Paged, all)
	if len(items) == 0 || err != nil {
		return quotas{QuotaTypes: []quotaType{}}, err
	}
	return quotas{[]quotaType{{global, items}}, next}, nil
}

type consumptionIn struct {
	Dry
	FromDate                                string `needed:""`
	ToDate                                  string `needed:""`
	Overall, ShowPrice, ShowResourceDetails bool
}

type consumptionEntry struct {
	AccountID                                                                  string `json:"AccountId"`
	PayingAccountID                                                            string `json:"PayingAccountId"`
	Category, FromDate, ToDate, Operation, Service, SubregionName, Title, Type string
	Value                                                                      float64
	UnitPrice                                                                  *float64 `json:",omitempty"`
	Price                                                                      *float64 `json:",omitempty"`
	ResourceID                                                                 string   `json:"ResourceId,omitempty"`
}

type consumption struct {
	ConsumptionEntries []consumptionEntry
	Currency           *string
}

func readConsumptionAccount(c *call, in consumptionIn) (consumption, error) {
	from, to, err := period(in.FromDate, in.ToDate)
	if err != nil {
		return consumption{}, err
	}
	out := consumption{ConsumptionEntries: []consumptionEntry{}}
	if in.ShowPrice {
		euros := "EUR"
		out.Currency = &euros
	}
	for _, used := range c.options.Consumption {
		if used.From.Before(from) || !used.From.Before(to) {
			continue
		}
		entry := consumptionEntry{
			AccountID: c.options.AccountID, PayingAccountID: c.options.AccountID, Category: used.Category,
			FromDate: stamp(used.From), ToDate: stamp(used.To), Operation: used.Operation, Service: used.Service,
			SubregionName: used.SubregionName, Title: used.Title, Type: used.Type, Value: used.Value,
		}
		if in.ShowPrice {
			price := used.Value * used.UnitPrice
			entry.UnitPrice, entry.Price = &used.UnitPrice, &price
		}
		out.ConsumptionEntries = append(out.ConsumptionEntries, entry)
	}
	return out, nil
}

// period reads the two ends of a period, the second of which must be later.
func period(from, to string) (time.Time, time.Time, error) {
	begin, err := midnight(from)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	end, err := midnight(to)
	if err == nil && !end.After(begin) {
		err = errDates
	}
	return begin, end, err
}

// midnight reads a day, which may carry a time that is midnight.
func midnight(text string) (time.Time, error) {
	date, err := parseTime(text)
	if err != nil || !date.Equal(date.Truncate(24*time.Hour)) {
		return time.Time{}, errDates
	}
	return date, nil
}

// emissionIn has no dry run, as the vendor's document has none here.
type emissionIn struct {
	FromMonth string `needed:""`
	ToMonth   string `needed:""`
	Overall   bool
}

type categoryShare struct {
	Category string
	Value    float64
}

type factorShare struct {
	Factor string
	Value  float64
}

type emissionEntry struct {
	AccountID            string `json:"AccountId"`
	PayingAccountID      string `json:"PayingAccountId"`
	CategoryDistribution []categoryShare
	FactorDistribution   []factorShare
	Month                string
	Value                float64
}

type emissions struct {
	CO2EmissionEntries []emissionEntry
	Unit               string
	Value              float64
}

func readCO2EmissionAccount(c *call, in emissionIn) (emissions, error) {
	from, to, err := period(in.FromMonth, in.ToMonth)
	if err == nil && (from.Day() != 1 || to.Day() != 1) {
		err = errDates
	}
	if err != nil {
		return emissions{}, err
	}
	out := emissions{CO2EmissionEntries: []emissionEntry{}, Unit: "KG"}
	for _, emitted := range c.options.Emissions {
		if emitted.Month.Before(from) || !emitted.Month.Before(to) {
			continue
		}
		entry := emissionEntry{AccountID: c.options.AccountID, PayingAccountID: c.options.AccountID, Month: emitted.Month.Format(time.DateOnly)}
		for _, category := range slices.Sorted(maps.Keys(emitted.Kilograms)) {
			entry.CategoryDistribution = append(entry.CategoryDistribution, categoryShare{category, emitted.Kilograms[category]})
			entry.Value += emitted.Kilograms[category]
		}
		entry.FactorDistribution = []factorShare{{"electricity", entry.Value}}
		out.CO2EmissionEntries = append(out.CO2EmissionEntries, entry)
		out.Value += entry.Value
	}
	return out, nil
}

// timeForms are the ways in which dates may be sent.
var timeForms = []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05.000-0700"}

func parseTime(text string) (time.Time, error) {
	var first error
	for _, form := range timeForms {
		parsed, err := time.Parse(form, text)
		if err == nil {
			return parsed.UTC(), nil
		}
		first = cmp.Or(first, err)
	}
	return time.Time{}, first
}

// stamp is how dates are told.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
