package geo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rempart/rempart/internal/geo"
)

func TestDistancesAreThoseOfGreatCircles(t *testing.T) {
	const quarter = math.Pi / 2 * 6371.0088
	for name, test := range map[string]struct {
		from, to geo.Point
		want     float64
	}{
		"from a place to itself":                    {geo.At(48.11, -1.68), geo.At(48.11, -1.68), 0},
		"a degree of latitude":                      {geo.At(48, 2), geo.At(49, 2), quarter / 90},
		"a degree of longitude at the equator":      {geo.At(0, 179.5), geo.At(0, -179.5), quarter / 90},
		"from pole to pole":                         {geo.At(90, 0), geo.At(-90, 77), 2 * quarter},
		"a pole has every longitude":                {geo.At(90, 0), geo.At(90, 120), 0},
		"a quarter of the equator":                  {geo.At(0, 0), geo.At(0, 90), quarter},
		"around the far side":                       {geo.At(10, 170), geo.At(-10, -10), 2 * quarter},
		"Paris to Strasbourg, as maps measure it":   {geo.At(48.8566, 2.3522), geo.At(48.5734, 7.7521), 397},
		"Gravelines to Roubaix, as maps have it":    {geo.At(50.9871, 2.1280), geo.At(50.6942, 3.1746), 80},
		"Paris to Saint-Denis of La Réunion, ditto": {geo.At(48.8566, 2.3522), geo.At(-20.8789, 55.4481), 9370},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.from.DistanceKm(test.to)
			if math.Abs(got-test.want) > 0.5+test.want*0.005 {
				t.Errorf("%.2f km, want %.2f", got, test.want)
			}
		})
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	anywhere := func() geo.Point { return geo.At(r.Float64()*180-90, r.Float64()*360-180) }
	for range 5000 {
		a, b, c := anywhere(), anywhere(), anywhere()
		if ab, ba := a.DistanceKm(b), b.DistanceKm(a); ab != ba || ab < 0 || ab > 20016 {
			t.Fatalf("%v km there and %v back", ab, ba)
		}
		if a.DistanceKm(b)+b.DistanceKm(c) < a.DistanceKm(c)-1e-6 {
			t.Fatalf("the way over a third place is shorter: %v, %v, %v", a, b, c)
		}
		if far := a.DistanceKm(b); !a.IsApart(b, geo.ReachKm(far-1e-3)) || a.IsApart(b, geo.ReachKm(far+1e-3)) {
			t.Fatalf("%v and %v are %f km apart, and not by their reach", a, b, far)
		}
		if !a.Equal(a) || a.Equal(b) {
			t.Fatalf("%v and %v", a, b)
		}
	}
}

func TestPointsAreReadFromDecimalNumbers(t *testing.T) {
	for _, test := range []struct {
		latitude, longitude string
		want                *geo.Point
	}{
		{"48.11", "-1.68", new(geo.At(48.11, -1.68))},
		{"-90", "180", new(geo.At(-90, 180))},
		{"48.11", "", nil},
		{"", "-1.68", nil},
		{"90.1", "0", nil},
		{"0", "-180.1", nil},
		{"north", "0", nil},
		{"NaN", "0", nil},
	} {
		got := geo.ParsePoint(test.latitude, test.longitude)
		if (got == nil) != (test.want == nil) || got != nil && !got.Equal(*test.want) {
			t.Errorf("%s, %s is %v, want %v", test.latitude, test.longitude, got, test.want)
		}
	}
}
