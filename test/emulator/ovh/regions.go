package ovh

// Statuses of a region.
const (
	Up          = "UP"
	Down        = "DOWN"
	Maintenance = "MAINTENANCE"
)

// Types of a region.
const (
	OneZone    = "region"
	ThreeZones = "region-3-az"
	LocalZone  = "localzone"
)

// Services that mean object storage.
const (
	StorageHighPerformance = "storage-s3-high-perf"
	StorageStandard        = "storage-s3-standard"
)

// RegionSpec is one region of the vendor.
type RegionSpec struct {
	Name string
	Type string
	// Country is the ISO code of two letters, in capitals; Continent is what the
	// vendor says, where EU is geography.
	Country, Continent string
	// Datacenter is the vendor's datacenterLocation; empty means Name.
	Datacenter string
	// Zones are the availability zones of a region that has several.
	Zones []string
	// Services are the names of those that are UP; DownServices of those that are
	// DOWN.
	Services     []string
	DownServices []string
	// Status is Up when empty.
	Status string
	// Inactive leaves the region out of the project until it is activated.
	Inactive bool
}

// HasStorage tells whether buckets can be kept there.
func (r RegionSpec) HasStorage() bool {
	for _, service := range r.Services {
		if service == StorageHighPerformance || service == StorageStandard {
			return true
		}
	}
	return false
}

// DefaultRegions are those of a European account that has activated whatever it
// could: storage regions, compute regions without object storage, a local zone, a
// region in maintenance (SGP), and one that is not activated (AP-SOUTH-MUM).
// US-EAST-VA belongs to another entity of the vendor, with accounts of its own; it
// is here because what is not in the list cannot be refused.
func DefaultRegions() []RegionSpec {
	compute := []string{"instance", "network", "volume"}
	single := append([]string{StorageHighPerformance, StorageStandard, "storage"}, compute...)
	triple := append([]string{StorageStandard}, compute...)
	return []RegionSpec{
		{Name: "GRA", Type: OneZone, Country: "FR", Continent: "EU", Services: single},
		{Name: "GRA11", Type: OneZone, Country: "FR", Continent: "EU", Datacenter: "GRA", Services: compute},
		{Name: "RBX", Type: OneZone, Country: "FR", Continent: "EU", Services: single},
		{Name: "SBG", Type: OneZone, Country: "FR", Continent: "EU", Services: single},
		{Name: "SBG5", Type: OneZone, Country: "FR", Continent: "EU", Datacenter: "SBG", Services: compute},
		{Name: "EU-WEST-PAR", Type: ThreeZones, Country: "FR", Continent: "EU", Services: triple, Zones: zones("eu-west-par")},
		{Name: "EU-SOUTH-MIL", Type: ThreeZones, Country: "IT", Continent: "EU", Services: triple, Zones: zones("eu-south-mil")},
		{Name: "EU-WEST-LZ-MRS-A", Type: LocalZone, Country: "FR", Continent: "EU", Services: []string{StorageStandard, "instance"}},
		{Name: "DE", Type: OneZone, Country: "DE", Continent: "EU", Services: single},
		{Name: "DE1", Type: OneZone, Country: "DE", Continent: "EU", Datacenter: "DE", Services: compute},
		{Name: "WAW", Type: OneZone, Country: "PL", Continent: "EU", Services: single},
		{Name: "UK", Type: OneZone, Country: "GB", Continent: "EU", Services: single},
		{Name: "BHS", Type: OneZone, Country: "CA", Continent: "NA", Services: single},
		{Name: "CA-EAST-TOR", Type: OneZone, Country: "CA", Continent: "NA", Services: single},
		{Name: "SGP", Type: OneZone, Country: "SG", Continent: "ASIA", Services: single, Status: Maintenance},
		{Name: "AP-SOUTHEAST-SYD", Type: OneZone, Country: "AU", Continent: "ASIA", Services: single},
		{Name: "AP-SOUTH-MUM", Type: OneZone, Country: "IN", Continent: "ASIA", Services: single, Inactive: true},
		{Name: "US-EAST-VA", Type: OneZone, Country: "US", Continent: "NA", Services: single},
	}
}

func zones(region string) []string {
	return []string{region + "-a", region + "-b", region + "-c"}
}
