package chart

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/VictoriaMetrics/metricsql"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// alert is one rule of the chart.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// alertsOf are the alerts of a rendering.
func alertsOf(t testing.TB, all []*unstructured.Unstructured) []alert {
	t.Helper()
	var rule struct {
		Spec struct{ Groups []struct{ Rules []alert } }
	}
	for _, object := range all {
		if object.GetKind() != "PrometheusRule" {
			continue
		}
		encoded, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &rule); err != nil {
			t.Fatal(err)
		}
	}
	var alerts []alert
	for _, group := range rule.Spec.Groups {
		alerts = append(alerts, group.Rules...)
	}
	if len(alerts) < 5 {
		t.Fatalf("there are only %d alerts", len(alerts))
	}
	return alerts
}

// selectors gives the selectors of metrics in an expression, or what is wrong with
// it. The parser's language is a little larger than PromQL, so what is let through
// is named here: selectors, numbers, comparisons, absent and time, and nothing that the
// parser would write otherwise.
func selectors(expression string) ([]*metricsql.MetricExpr, error) {
	parsed, err := metricsql.Parse(expression)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", expression, err)
	}
	withoutSpaces := strings.NewReplacer(" ", "").Replace
	if again := string(parsed.AppendString(nil)); withoutSpaces(again) != withoutSpaces(expression) {
		return nil, fmt.Errorf("%q is %q to the parser", expression, again)
	}
	var found []*metricsql.MetricExpr
	metricsql.VisitAll(parsed, func(part metricsql.Expr) {
		text := string(part.AppendString(nil))
		switch part := part.(type) {
		case *metricsql.MetricExpr:
			found = append(found, part)
		case *metricsql.NumberExpr:
			if _, parseErr := strconv.ParseFloat(text, 64); parseErr != nil {
				err = fmt.Errorf("%q: %q is no number in PromQL", expression, text)
			}
		case *metricsql.BinaryOpExpr:
			if !slices.Contains([]string{"==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "-"}, part.Op) {
				err = fmt.Errorf("%q: the operator %s is not let through by this test", expression, part.Op)
			}
		case *metricsql.FuncExpr:
			if (part.Name != "absent" || len(part.Args) != 1) && (part.Name != "time" || len(part.Args) != 0) {
				err = fmt.Errorf("%q: %s is not let through by this test", expression, text)
			}
		case *metricsql.ModifierExpr:
			if part.Op != "" {
				err = fmt.Errorf("%q: %s is not let through by this test", expression, part.Op)
			}
		default:
			err = fmt.Errorf("%q: %T is not let through by this test", expression, part)
		}
	})
	if len(found) == 0 && err == nil {
		err = fmt.Errorf("%q asks for no metric", expression)
	}
	return found, err
}

func TestOnlyPromQLIsLetThrough(t *testing.T) {
	for expression, isGood := range map[string]bool{
		`rempart_bucket_condition{condition="Protected"} == 0`: true,
		`rempart_replication_lag_seconds > 10000000`:           true,
		`absent(up{job="x"} == 1)`:                             true,
		`(rempart_exception_end - time()) < 60`:                true,
		`rempart_exception_end - time(1) < 60`:                 false,
		`rempart_replication_lag_seconds > 5k`:                 false, // a number of MetricsQL only
		`rempart_replication_lag_seconds >`:                    false,
		`rempart_bucket_condition{condition=Protected} == 0`:   false,
		`rempart_bucket_condition{condition="Protected" == 0`:  false,
		`missing(rempart_provider_up)`:                         false,
		`WITH (x = rempart_provider_up) x == 0`:                false, // nor has PromQL this
		`1 > 0`:                                                false,
		``:                                                     false,
	} {
		if _, err := selectors(expression); (err == nil) != isGood {
			t.Errorf("%q: %v", expression, err)
		}
	}
}

func TestAlertsAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range alertsOf(t, objects(t, rendered(t, variants()["all"]...))) {
		if a.Alert == "" || seen[a.Alert] {
			t.Errorf("an alert has no name, or one that another has: %+v", a)
		}
		seen[a.Alert] = true
		if _, err := selectors(a.Expr); err != nil {
			t.Errorf("%s: %v", a.Alert, err)
		}
		if wait, err := model.ParseDuration(a.For); err != nil || wait == 0 {
			t.Errorf("%s: it waits for %q: %v", a.Alert, a.For, err)
		}
		if severity := a.Labels["severity"]; severity != "warning" && severity != "critical" {
			t.Errorf("%s: its severity is %q", a.Alert, severity)
		}
		if a.Annotations["summary"] == "" {
			t.Errorf("%s: it has no summary", a.Alert)
		}
	}
}

// filters are the labels that a selector asks for; the name is one of them.
func filters(t testing.TB, selector *metricsql.MetricExpr) map[string]string {
	t.Helper()
	if len(selector.LabelFilterss) != 1 {
		t.Fatalf("%s has alternatives", selector.AppendString(nil))
	}
	asked := map[string]string{}
	for _, filter := range selector.LabelFilterss[0] {
		if filter.IsNegative || filter.IsRegexp {
			t.Fatalf("%s: this test understands = only", selector.AppendString(nil))
		}
		asked[filter.Label] = filter.Value
	}
	return asked
}

// families reads what the operator serves.
func families(t testing.TB, served string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(strings.NewReader(served))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// seriesFor gives the labels of a served series that a selector matches, or nil.
func seriesFor(served map[string]*dto.MetricFamily, asked map[string]string) map[string]string {
	for _, series := range served[asked["__name__"]].GetMetric() {
		labels := map[string]string{"__name__": asked["__name__"]}
		for _, pair := range series.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		matches := true
		for name, value := range asked {
			matches = matches && labels[name] == value
		}
		if matches {
			return labels
		}
	}
	return nil
}

// render renders an annotation as Prometheus does; a label that is not there is an
// error here.
func render(annotation string, labels map[string]string) error {
	helpers := texttemplate.FuncMap{"humanizeDuration": func(seconds float64) string { return fmt.Sprint(seconds) }}
	parsed, err := texttemplate.New("annotation").Funcs(helpers).Option("missingkey=error").
		Parse(`{{$labels := .Labels}}{{$value := .Value}}` + annotation)
	if err != nil {
		return err
	}
	return parsed.Execute(io.Discard, map[string]any{"Labels": labels, "Value": 1.5})
}

// wantAlertsToBeRaised holds the alerts against what the operator serves: one that
// asks for a metric, a condition or a label of another name would never be raised,
// or would say nothing.
func wantAlertsToBeRaised(t *testing.T, metrics string) {
	t.Helper()
	all := objects(t, rendered(t, "--set", "installation.id=town,metrics.prometheusRule.enabled=true"))
	served := families(t, metrics)
	for _, a := range alertsOf(t, all) {
		found, err := selectors(a.Expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, selector := range found {
			asked := filters(t, selector)
			labels := seriesFor(served, asked)
			if asked["__name__"] == "up" { // made by Prometheus, with the name of the Service as its job
				labels = asked
				if !slices.ContainsFunc(all, func(o *unstructured.Unstructured) bool {
					return o.GetKind() == "Service" && o.GetName() == asked["job"] && o.GetNamespace() == asked["namespace"]
				}) {
					t.Errorf("%s: there is no Service %s/%s", a.Alert, asked["namespace"], asked["job"])
				}
			}
			if labels == nil {
				t.Errorf("%s asks for %s, which is not served", a.Alert, selector.AppendString(nil))
				continue
			}
			for name, annotation := range a.Annotations {
				if err := render(annotation, labels); err != nil {
					t.Errorf("%s: its %s: %v", a.Alert, name, err)
				}
			}
		}
	}
}

// The kinds of the Prometheus operator are accepted as the chart renders them, and
// refused with one mistake more.
func (r *installed) theMonitoringIsChecked(t *testing.T) {
	for name, spoil := range map[string]struct {
		kind  string
		spoil func(spec map[string]any)
	}{
		"a field that does not exist": {"ServiceMonitor", func(spec map[string]any) {
			first(spec, "endpoints")["bearerToken"] = "x"
		}},
		"a scheme that is none": {"ServiceMonitor", func(spec map[string]any) { first(spec, "endpoints")["scheme"] = "ftp" }},
		"no selector":           {"ServiceMonitor", func(spec map[string]any) { delete(spec, "selector") }},
		"an interval that is none": {"ServiceMonitor", func(spec map[string]any) {
			first(spec, "endpoints")["interval"] = "often"
		}},
		"an alert without an expression": {"PrometheusRule", func(spec map[string]any) { delete(first(first(spec, "groups"), "rules"), "expr") }},
		"a wait that is none":            {"PrometheusRule", func(spec map[string]any) { first(first(spec, "groups"), "rules")["for"] = "a while" }},
		"a label that is no text": {"PrometheusRule", func(spec map[string]any) {
			first(first(spec, "groups"), "rules")["labels"] = map[string]any{"severity": int64(1)}
		}},
		"a misspelt field": {"PrometheusRule", func(spec map[string]any) { first(first(spec, "groups"), "rules")["exprs"] = "1" }},
	} {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, object := range objects(t, rendered(t, variants()["all"]...)) {
				if object.GetKind() != spoil.kind {
					continue
				}
				tried++
				if err := r.tryApply(t, object); err != nil {
					t.Errorf("%s as it is rendered: %v", identity(object), err)
				}
				spoil.spoil(object.Object["spec"].(map[string]any))
				if err := r.tryApply(t, object); err == nil {
					t.Errorf("%s was accepted", identity(object))
				}
			}
			if tried != 1 {
				t.Errorf("%d objects of kind %s", tried, spoil.kind)
			}
		})
	}
}

// first gives the first element of a list.
func first(in map[string]any, list string) map[string]any {
	return in[list].([]any)[0].(map[string]any)
}
