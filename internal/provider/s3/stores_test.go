package s3_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

var recording = flag.Bool("record", false, "write what stores can do into the page about them")

const (
	recordFile = "testdata/stores.json"
	storesPage = "../../../docs/providers.md"

	tableBegin = "<!-- The table is written by `make stores-table` and checked by a test. -->\n"
	tableEnd   = "<!-- The end of the table. -->\n"
)

// measured is what a store was found to be able to do, and when. One that is
// emulated has no version.
type measured struct {
	Store, Version, Date string
	Capabilities         provider.Capabilities
}

func (m measured) title() string { return strings.TrimSpace(m.Store + " " + m.Version) }

func recorded(t *testing.T) []measured {
	t.Helper()
	content, err := os.ReadFile(recordFile)
	if err != nil {
		t.Fatal(err)
	}
	var stores []measured
	if err := json.Unmarshal(content, &stores); err != nil {
		t.Fatal(err)
	}
	return stores
}

// checkRecordedOf holds what a server that is built for the tests can do against the
// record, or puts it there.
func checkRecordedOf(t *testing.T, store string, tool toolbox.Tool, session provider.Session) {
	t.Helper()
	version, err := toolbox.Version(t.Context(), tool)
	if err != nil {
		t.Fatal(err)
	}
	checkRecorded(t, store, version, session)
}

func checkRecorded(t *testing.T, store, version string, session provider.Session) {
	t.Helper()
	found, err := probe.Capabilities(t.Context(), session, "rempart-table")
	if err != nil {
		t.Fatal(err)
	}
	stores := recorded(t)
	index := slices.IndexFunc(stores, func(m measured) bool { return m.Store == store })
	if *recording {
		now := measured{store, version, time.Now().UTC().Format(time.DateOnly), found}
		if index < 0 {
			stores = append(stores, now)
		} else {
			stores[index] = now
		}
		write(t, stores)
		return
	}
	if index < 0 {
		t.Fatalf("%s is not in %s: run `make stores-table`, or `make test-peers RECORD=1` for a peer", store, recordFile)
	}
	if stores[index].Version != version {
		t.Errorf("recorded of version %s, and it is %s now", stores[index].Version, version)
	}
	if diff := cmp.Diff(stores[index].Capabilities, found); diff != "" {
		t.Errorf("capabilities of %s (-recorded +found):\n%s", store, diff)
	}
}

func write(t *testing.T, stores []measured) {
	t.Helper()
	content, err := json.MarshalIndent(stores, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(storesPage)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := withTable(string(page), table(stores))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{recordFile: string(content) + "\n", storesPage: changed} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// table has a row for each capability and a column for each store.
func table(stores []measured) string {
	var b strings.Builder
	b.WriteString("| capability |")
	for _, store := range stores {
		fmt.Fprintf(&b, " %s |", store.title())
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(stores)) + "\n")
	for _, capability := range provider.EveryCapability() {
		fmt.Fprintf(&b, "| `%s` |", capability)
		for _, store := range stores {
			fmt.Fprintf(&b, " %s |", store.Capabilities.Of(capability))
		}
		b.WriteString("\n")
	}
	b.WriteString("| measured on |")
	for _, store := range stores {
		fmt.Fprintf(&b, " %s |", store.Date)
	}
	return b.String() + "\n"
}

func withTable(page, table string) (string, error) {
	before, rest, hasBegin := strings.Cut(page, tableBegin)
	_, after, hasEnd := strings.Cut(rest, tableEnd)
	if !hasBegin || !hasEnd {
		return "", fmt.Errorf("the page does not say where its table is")
	}
	return before + tableBegin + "\n" + table + "\n" + tableEnd + after, nil
}

// The gateway is tried at every run of the tests. What its column says is true.
func TestTheTableOfStoresSaysWhatTheGatewayDoes(t *testing.T) {
	server := harness.Versity(t)
	place := provider.Place{Provider: "onprem", Location: "dc1", Endpoint: server.Endpoint, Region: server.Region}
	checkRecordedOf(t, "Versity Gateway", toolbox.VersityGW, openAs(t, place, server.AccessKey, server.SecretKey))
}

func TestTheTableOfStoresIsWhatWasRecorded(t *testing.T) {
	page, err := os.ReadFile(storesPage)
	if err != nil {
		t.Fatal(err)
	}
	want, err := withTable(string(page), table(recorded(t)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/providers.md is out of step with %s: run `make stores-table` (-want +got):\n%s", recordFile, diff)
	}
	for _, store := range recorded(t) {
		if len(store.Capabilities) != len(provider.EveryCapability()) {
			t.Errorf("of %s %d capabilities are recorded", store.Store, len(store.Capabilities))
		}
	}
}
