package outscale

import "slices"

// What the open actions tell is what the vendor's OpenAPI document shows as an
// example, for the region that is served.

type pagedIn struct {
	Dry
	Paged
}

type dryIn struct{ Dry }

type region struct{ Endpoint, RegionName string }

func readRegions(c *call, _ dryIn) (struct{ Regions []region }, error) {
	var regions []region
	for _, name := range c.options.Regions {
		regions = append(regions, region{"api." + name + ".outscale.com", name})
	}
	return struct{ Regions []region }{regions}, nil
}

type location struct{ Code, Name string }

type locations struct {
	Locations     []location
	NextPageToken string `json:",omitempty"`
}

func readLocations(_ *call, in pagedIn) (locations, error) {
	all := []location{{"PAR1", "Telehouse 3, France"}, {"PAR4", "Equinix Pantin, France"}}
	items, next, err := page(in.Paged, all)
	return locations{items, next}, err
}

type service struct {
	IPRanges    []string `json:"IpRanges"`
	ServiceID   string   `json:"ServiceId"`
	ServiceName string
}

type servicesIn struct {
	Dry
	Paged
	Filters struct{ ServiceIds, ServiceNames []string }
}

type services struct {
	Services      []service
	NextPageToken string `json:",omitempty"`
}

func readNetAccessPointServices(c *call, in servicesIn) (services, error) {
	all := []service{
		{[]string{"192.0.2.0"}, "pl-12345678", "com.outscale." + c.options.Region + ".api"},
		{[]string{"198.51.100.0", "203.0.113.0"}, "pl-87654321", "com.outscale." + c.options.Region + ".oos"},
	}
	all = slices.DeleteFunc(all, func(s service) bool {
		return !contains(in.Filters.ServiceIds, s.ServiceID) || !contains(in.Filters.ServiceNames, s.ServiceName)
	})
	items, next, err := page(in.Paged, all)
	return services{items, next}, err
}

type productType struct {
	ProductTypeID string `json:"ProductTypeId"`
	Description   string
}

type productTypesIn struct {
	Dry
	Paged
	Filters struct{ ProductTypeIds []string }
}

type productTypes struct {
	ProductTypes  []productType
	NextPageToken string `json:",omitempty"`
}

func readProductTypes(_ *call, in productTypesIn) (productTypes, error) {
	all := slices.DeleteFunc([]productType{{"0001", "Linux"}, {"0002", "Windows"}}, func(t productType) bool {
		return !contains(in.Filters.ProductTypeIds, t.ProductTypeID)
	})
	items, next, err := page(in.Paged, all)
	return productTypes{items, next}, err
}

type catalogEntry struct {
	Category, Operation, Service, SubregionName, Title, Type string
	UnitPrice                                                float64
}

type catalog struct{ Entries []catalogEntry }

func readPublicCatalog(c *call, _ dryIn) (struct{ Catalog catalog }, error) {
	return struct{ Catalog catalog }{catalog{[]catalogEntry{{
		Category: "compute", Operation: "RunInstances-OD", Service: "TinaOS-FCU", SubregionName: c.options.Region,
		Title: "Instance - On demand - vCore", Type: "CustomCore:v5-p1", UnitPrice: 0.04,
	}}}}, nil
}

type publicIPs struct {
	PublicIps     []string
	NextPageToken string `json:",omitempty"`
}

func readPublicIPRanges(_ *call, in pagedIn) (publicIPs, error) {
	items, next, err := page(in.Paged, []string{"198.51.100.0/24", "203.0.113.0/24"})
	return publicIPs{items, next}, err
}

type vmType struct {
	BsuOptimized            bool
	MaxPrivateIps           int
	MemorySize              float64
	VcoreCount, VolumeCount int
	VMTypeName              string `json:"VmTypeName"`
}

type vmTypesIn struct {
	Dry
	Paged
	Filters struct {
		Names []string `json:"VmTypeNames"`
	}
}

type vmTypes struct {
	VMTypes       []vmType `json:"VmTypes"`
	NextPageToken string   `json:",omitempty"`
}

func readVMTypes(_ *call, in vmTypesIn) (vmTypes, error) {
	all := slices.DeleteFunc([]vmType{
		{MaxPrivateIps: 4, MemorySize: 2, VcoreCount: 1, VMTypeName: "t2.small"},
		{MaxPrivateIps: 4, MemorySize: 1, VcoreCount: 1, VMTypeName: "tinav5.c1r1p2"},
	}, func(t vmType) bool { return !contains(in.Filters.Names, t.VMTypeName) })
	items, next, err := page(in.Paged, all)
	return vmTypes{items, next}, err
}

type flexibleGPU struct {
	Generations []string
	MaxCPU      int `json:"MaxCpu"`
	MaxRAM      int `json:"MaxRam"`
	VRAM        int `json:"VRam"`
	ModelName   string
}

func readFlexibleGPUCatalog(_ *call, _ dryIn) (struct{ FlexibleGpuCatalog []flexibleGPU }, error) {
	return struct{ FlexibleGpuCatalog []flexibleGPU }{
		[]flexibleGPU{{[]string{"v5"}, 80, 512, 16000, "nvidia-p100"}},
	}, nil
}

type subregion struct{ LocationCode, RegionName, State, SubregionName string }

type subregionsIn struct {
	Dry
	Paged
	Filters struct{ RegionNames, States, SubregionNames []string }
}

type subregions struct {
	Subregions    []subregion
	NextPageToken string `json:",omitempty"`
}

// readSubregions tells of the region that is served and of no other.
func readSubregions(c *call, in subregionsIn) (subregions, error) {
	all := []subregion{}
	for _, s := range c.options.Subregions {
		if contains(in.Filters.RegionNames, c.options.Region) && contains(in.Filters.States, s.State) && contains(in.Filters.SubregionNames, s.Name) {
			all = append(all, subregion{s.LocationCode, c.options.Region, s.State, s.Name})
		}
	}
	items, next, err := page(in.Paged, all)
	return subregions{items, next}, err
}

type placement struct{ SubregionName, Tenancy string }

type vm struct {
	VMID           string `json:"VmId"`
	VMType         string `json:"VmType"`
	State          string
	Placement      placement
	PrivateDNSName string `json:"PrivateDnsName"`
}

type vmsIn struct {
	Dry
	Paged
	Filters struct {
		SubregionNames []string
		IDs            []string `json:"VmIds"`
		States         []string `json:"VmStateNames"`
	}
}

type vms struct {
	Vms           []vm
	NextPageToken string `json:",omitempty"`
}

func readVMs(c *call, in vmsIn) (vms, error) {
	all := []vm{}
	for _, m := range c.options.VMs {
		if contains(in.Filters.IDs, m.ID) && contains(in.Filters.SubregionNames, m.Subregion) && contains(in.Filters.States, m.State) {
			all = append(all, vm{m.ID, m.Type, m.State, placement{m.Subregion, "default"}, m.ID + "." + c.options.Region + ".compute.internal"})
		}
	}
	items, next, err := page(in.Paged, all)
	return vms{items, next}, err
}
