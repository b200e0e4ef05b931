package outscale

import (
	"encoding/base64"
	"fmt"
)

// action is something that can be asked of the API.
type action struct {
	// open actions need no authentication; basic ones take a login and a password
	// in place of a signature.
	open, basic bool
	run         func(*call) (any, error)
}

// actions are all that are answered, by their names.
var actions = map[string]action{
	"ReadFlexibleGpuCatalog":     {open: true, run: act(readFlexibleGPUCatalog)},
	"ReadLocations":              {open: true, run: act(readLocations)},
	"ReadNetAccessPointServices": {open: true, run: act(readNetAccessPointServices)},
	"ReadProductTypes":           {open: true, run: act(readProductTypes)},
	"ReadPublicCatalog":          {open: true, run: act(readPublicCatalog)},
	"ReadPublicIpRanges":         {open: true, run: act(readPublicIPRanges)},
	"ReadRegions":                {open: true, run: act(readRegions)},
	"ReadVmTypes":                {open: true, run: act(readVMTypes)},

	"ReadSubregions": {run: act(readSubregions)},
	"ReadVms":        {run: act(readVMs)},

	"CheckAuthentication":    {run: act(checkAuthentication)},
	"ReadAccounts":           {run: act(readAccounts)},
	"ReadCO2EmissionAccount": {run: act(readCO2EmissionAccount)},
	"ReadConsumptionAccount": {run: act(readConsumptionAccount)},
	"ReadQuotas":             {run: act(readQuotas)},
	"CreateAccessKey":        {basic: true, run: act(createAccessKey)},
	"DeleteAccessKey":        {basic: true, run: act(deleteAccessKey)},
	"ReadAccessKeys":         {basic: true, run: act(readAccessKeys)},
	"UpdateAccessKey":        {basic: true, run: act(updateAccessKey)},

	"CreateUser":       {run: act(createUser)},
	"DeleteUser":       {run: act(deleteUser)},
	"ReadUsers":        {run: act(readUsers)},
	"UpdateUser":       {run: act(updateUser)},
	"DeleteUserPolicy": {run: act(deleteUserPolicy)},
	"PutUserPolicy":    {run: act(putUserPolicy)},
	"ReadUserPolicies": {run: act(readUserPolicies)},
	"ReadUserPolicy":   {run: act(readUserPolicy)},
}

// act reads the parameters of an action and carries it out. A dry run ends
// where the rights and the parameters were found good.
func act[In, Out any](run func(*call, In) (Out, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		var in In
		if err := c.decode(&in); err != nil {
			return nil, err
		}
		if dry, knows := any(in).(interface{ isDry() bool }); knows && dry.isDry() {
			return struct{}{}, nil
		}
		return run(c, in)
	}
}

// Dry is the parameter that asks whether an action would be carried out.
type Dry struct{ DryRun bool }

func (d Dry) isDry() bool { return d.DryRun }

// Paged are the parameters that ask for one page of many.
type Paged struct {
	NextPageToken  string
	ResultsPerPage *int
}

const (
	pageDefault = 100
	pageLimit   = 1000
)

// page cuts one page out of all items, and gives the token of the next.
func page[T any](p Paged, items []T) ([]T, string, error) {
	size, from := pageDefault, 0
	if p.ResultsPerPage != nil {
		size = *p.ResultsPerPage
	}
	if size < 1 || size > pageLimit {
		return nil, "", errInvalid("ResultsPerPage")
	}
	if p.NextPageToken != "" {
		text, err := base64.StdEncoding.DecodeString(p.NextPageToken)
		if err != nil {
			return nil, "", errInvalid("NextPageToken")
		}
		if _, err := fmt.Sscanf(string(text), "from %d", &from); err != nil || from < 0 || from > len(items) {
			return nil, "", errInvalid("NextPageToken")
		}
	}
	until := min(from+size, len(items))
	next := ""
	if until < len(items) {
		next = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "from %d", until))
	}
	return items[from:until], next, nil
}
