package nodeplace_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/nodeplace"
)

var recording = flag.Bool("record", false, "write the table of Nodes into the page about them")

const (
	pageFile  = "../../docs/nodes.md"
	pageBegin = "<!-- The table is written by `make nodes-page` and checked by a test. -->\n"
	pageEnd   = "<!-- The table ends here. -->\n"
)

// foundNodes are Nodes as they are found.
func foundNodes(t *testing.T) []*corev1.Node {
	t.Helper()
	content, err := os.ReadFile("testdata/nodes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*corev1.Node
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		var n corev1.Node
		if err := yaml.UnmarshalStrict([]byte(document), &n); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		nodes = append(nodes, &n)
	}
	return nodes
}

// The page shows what becomes of Nodes as they are found, beside an account at each
// vendor and a store of one's own.
func TestThePageSaysWhereNodesAreFoundToStand(t *testing.T) {
	world := nodeplace.World{Providers: []v1alpha1.SovereignProvider{ovhcloud("ovhcloud"), outscale("outscale"), onprem("onprem")}}
	var table strings.Builder
	table.WriteString("\n| Node | provider id | place | country | perimeter | operator | how sure |\n|---|---|---|---|---|---|---|\n")
	for _, n := range foundNodes(t) {
		place := nodeplace.Of(n, world)
		labels := place.Labels()
		where := "–"
		if place.ProviderName != "" {
			where = "`" + place.PlaceReference.String() + "`"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s | %s |\n", n.Name, inTable(n.Spec.ProviderID), where,
			inTable(labels[v1alpha1.NodeCountryLabel]), inTable(labels[v1alpha1.NodePerimeterLabel]),
			inTable(labels[v1alpha1.NodeOperatorLabel]), place.Verification)
	}
	content, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, hasBegin := strings.Cut(string(content), pageBegin)
	_, after, hasEnd := strings.Cut(rest, pageEnd)
	if !hasBegin || !hasEnd {
		t.Fatalf("%s does not say where its table begins and ends", pageFile)
	}
	want := before + pageBegin + table.String() + "\n" + pageEnd + after
	if *recording {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(content)); diff != "" {
		t.Errorf("docs/nodes.md is out of step with the code; if that is meant, run `make nodes-page` (-want +got):\n%s", diff)
	}
}

func inTable(text string) string {
	if text == "" {
		return "–"
	}
	return "`" + text + "`"
}
