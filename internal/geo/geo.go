// Package geo knows which territory is inside which perimeter: FR ⊂ EU ⊂ EEA.
//
// It is pure. The facts are in territory.csv, each with its source, as of
// November 2026: every country of ISO 3166-1, and the subdivisions that are not
// where their country is, or of which one could doubt it. Whatever is not known is
// outside: adequacy decisions, customs unions and good neighbourhood do not put a
// place inside a perimeter.
//
// Start reading at Classify.
package geo

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
)

// Perimeter is a territory; each contains the ones before it.
type Perimeter string

// Perimeters, from the narrowest to the widest. None is outside all of them.
const (
	FR   Perimeter = "FR"
	EU   Perimeter = "EU"
	EEA  Perimeter = "EEA"
	None Perimeter = "None"
)

// width orders the perimeters; an unknown one is wider than all.
func (p Perimeter) width() int {
	switch p {
	case FR:
		return 1
	case EU:
		return 2
	case EEA:
		return 3
	default:
		return 4
	}
}

// Contains tells whether a place whose narrowest perimeter is inner is inside p.
// Nothing contains None, and None contains nothing.
func (p Perimeter) Contains(inner Perimeter) bool {
	return inner.width() <= p.width() && p.width() < None.width()
}

// Territory is what is known of a place.
type Territory struct {
	// Country is the ISO 3166-1 alpha-2 code, never an alias; empty if unknown.
	Country string
	// Perimeter is the narrowest one that contains it.
	Perimeter Perimeter
	// Note says why, and Source who says so; of an unknown place there is no source.
	Note, Source string
}

// Known tells whether the country is known at all.
func (t Territory) Known() bool { return t.Country != "" }

// Classify tells where a place is. Country is an ISO 3166-1 alpha-2 code or one
// of the aliases EL and UK; subdivision is an ISO 3166-2 code of that country,
// or empty. Parts of a country that are outside its perimeter are known by their
// subdivision: see territory.csv. An unknown country, or a subdivision of another
// country, is unknown and thus outside.
func Classify(country, subdivision string) Territory {
	country, subdivision = Canonical(country), CanonicalSubdivision(subdivision)
	if !IsCountry(country) || !belongs(subdivision, country) {
		return Territory{Perimeter: None, Note: "unknown place"}
	}
	territory, listed := territories()[subdivision]
	if !listed {
		territory = territories()[country]
	}
	territory.Country = country
	return territory
}

// Canonical gives the ISO code for a country code or an alias of one: EL is GR,
// UK is GB.
func Canonical(country string) string {
	switch country {
	case "EL":
		return "GR"
	case "UK":
		return "GB"
	}
	return country
}

// CanonicalSubdivision gives a subdivision under the code of its country: EL-I is
// GR-I.
func CanonicalSubdivision(subdivision string) string {
	country, part, isPart := strings.Cut(subdivision, "-")
	if !isPart {
		return subdivision
	}
	return Canonical(country) + "-" + part
}

// IsCountry tells whether the code is assigned in ISO 3166-1. Aliases are not, nor
// are codes that are reserved, such as EU and IC, withdrawn, such as AN and SU, or
// left to users, such as XK.
func IsCountry(code string) bool {
	_, listed := territories()[code]
	return listed && len(code) == 2
}

func belongs(subdivision, country string) bool {
	return subdivision == "" || strings.HasPrefix(subdivision, country+"-")
}

//go:embed territory.csv
var territoryCSV string

// territories are the rows of the data file by code.
var territories = sync.OnceValue(func() map[string]Territory {
	rows, err := csv.NewReader(strings.NewReader(territoryCSV)).ReadAll()
	if err != nil {
		panic(fmt.Errorf("read the territories that are built in: %w", err))
	}
	byCode := make(map[string]Territory, len(rows))
	for _, row := range rows[1:] {
		byCode[row[0]] = Territory{Perimeter: Perimeter(row[1]), Note: row[2], Source: row[3]}
	}
	return byCode
})
