package provider

import (
	"encoding/base64"
	"hash"
	"hash/crc32"
)

// castagnoli is computed by the processor where that can do it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewCRC32C gives the hash that Content.CRC32C is of.
func NewCRC32C() hash.Hash32 { return crc32.New(castagnoli) }

// CRC32CText gives a sum as Content.CRC32C has it.
func CRC32CText(sum hash.Hash32) string { return base64.StdEncoding.EncodeToString(sum.Sum(nil)) }
