package geo

import (
	"math"
	"strconv"
)

// earthRadiusKm is the mean radius of the earth (IUGG). Distances on a sphere of
// that radius are wrong by half a percent at most.
const earthRadiusKm = 6371.0088

// Point is a place on the surface of the earth.
type Point struct {
	// x, y and z are the direction from the centre of the earth, of length 1, which
	// is quicker to compare than angles.
	x, y, z float64
}

// At gives the point of a latitude and a longitude in degrees, north and east
// positive.
func At(latitude, longitude float64) Point {
	phi, lambda := latitude*math.Pi/180, longitude*math.Pi/180
	return Point{x: math.Cos(phi) * math.Cos(lambda), y: math.Cos(phi) * math.Sin(lambda), z: math.Sin(phi)}
}

// ParsePoint reads a latitude and a longitude that are decimal numbers. It gives
// nil where one of them is absent or no such thing.
func ParsePoint(latitude, longitude string) *Point {
	north, isNorth := parseDegrees(latitude, 90)
	east, isEast := parseDegrees(longitude, 180)
	if !isNorth || !isEast {
		return nil
	}
	return new(At(north, east))
}

func parseDegrees(text string, most float64) (float64, bool) {
	degrees, err := strconv.ParseFloat(text, 64)
	return degrees, err == nil && math.Abs(degrees) <= most
}

// DistanceKm is the way from one point to another along the surface of the earth:
// the great circle.
func (p Point) DistanceKm(q Point) float64 {
	return 2 * earthRadiusKm * math.Asin(min(p.chord(q)/2, 1))
}

// Reach is a distance in a form that is quick to compare with.
type Reach float64

// ReachKm gives the reach of a distance along the surface of the earth.
func ReachKm(kilometres float64) Reach {
	chord := 2 * math.Sin(min(kilometres/(2*earthRadiusKm), math.Pi/2))
	return Reach(chord * chord)
}

// IsApart tells whether two points are as far from each other as the reach, or
// farther.
func (p Point) IsApart(q Point, reach Reach) bool { return Reach(p.chordSquare(q)) >= reach }

// chord is the straight way through the earth, in radii.
func (p Point) chord(q Point) float64 { return math.Sqrt(p.chordSquare(q)) }

func (p Point) chordSquare(q Point) float64 {
	x, y, z := p.x-q.x, p.y-q.y, p.z-q.z
	return x*x + y*y + z*z
}

// Equal tells whether two points are the same.
func (p Point) Equal(q Point) bool { return p == q }
