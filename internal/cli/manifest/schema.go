package manifest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/config/crd"
)

// schemas are the definitions of our kinds by their name.
type schemas map[string]*definition

// kinds gives their names in order.
func (s schemas) kinds() []string { return slices.Sorted(maps.Keys(s)) }

// definition judges objects of one kind.
type definition struct {
	isNamespaced bool
	properties   *apiextensions.JSONSchemaProps
	empty        func() client.Object
	// compiled is made when it is first asked for: to compile the rules of a kind
	// that no file has would only take time.
	compiled *compiled
}

type compiled struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// loadSchemas reads the definitions that are built in.
func loadSchemas() (schemas, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	definitions := crd.Definitions()
	files, err := fs.Glob(definitions, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the definitions that are built in: %w", err)
	}
	loaded := schemas{}
	for _, file := range files {
		content, err := fs.ReadFile(definitions, file)
		if err != nil {
			return nil, fmt.Errorf("read a definition that is built in: %w", err)
		}
		if err := loaded.load(content, scheme); err != nil {
			return nil, fmt.Errorf("read the definition %s that is built in: %w", file, err)
		}
	}
	return loaded, nil
}

func (s schemas) load(content []byte, scheme *runtime.Scheme) error {
	var object apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(content, &object); err != nil {
		return err
	}
	for _, version := range object.Spec.Versions {
		if version.Name != v1alpha1.GroupVersion.Version {
			continue
		}
		properties := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			version.Schema.OpenAPIV3Schema, properties, nil); err != nil {
			return err
		}
		kind := v1alpha1.GroupVersion.WithKind(object.Spec.Names.Kind)
		if !scheme.Recognizes(kind) {
			return fmt.Errorf("%s has no Go type", kind)
		}
		s[kind.Kind] = &definition{
			isNamespaced: object.Spec.Scope == apiextensionsv1.NamespaceScoped,
			properties:   properties,
			empty: func() client.Object {
				made, _ := scheme.New(kind) // it is recognised
				return made.(client.Object)
			},
		}
	}
	return nil
}

func (d *definition) compile() (*compiled, error) {
	if d.compiled != nil {
		return d.compiled, nil
	}
	structural, err := structuralschema.NewStructural(d.properties)
	if err != nil {
		return nil, fmt.Errorf("read the schema that is built in: %w", err)
	}
	schema, _, err := validation.NewSchemaValidator(d.properties)
	if err != nil {
		return nil, fmt.Errorf("read the schema that is built in: %w", err)
	}
	d.compiled = &compiled{
		structural: structural, schema: schema,
		rules: cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}
	return d.compiled, nil
}

// check tells what the API server would say against an object, and fills in the
// defaults. What is unknown is said alone: the rest may follow from it.
func (d *definition) check(object map[string]any) ([]string, error) {
	judge, err := d.compile()
	if err != nil {
		return nil, err
	}
	meta, unknown, malformed := metadataOf(object)
	if malformed != "" {
		return []string{malformed}, nil
	}
	unknown = append(unknown, pruning.PruneWithOptions(runtime.DeepCopyJSON(object), judge.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	var problems []string
	for _, path := range unknown {
		problems = append(problems, fmt.Sprintf("unknown field %q", path))
	}
	if len(problems) > 0 {
		return problems, nil
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, judge.structural)
	defaulting.Default(object, judge.structural)
	found := apivalidation.ValidateObjectMeta(meta, d.isNamespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	for _, problem := range append(found, judge.validate(object)...) {
		problems = append(problems, problem.Error())
	}
	return problems, nil
}

// metadataOf gives the metadata with the unknown fields in it, or says why it is
// none.
func metadataOf(object map[string]any) (meta *metav1.ObjectMeta, unknown []string, malformed string) {
	meta, isThere, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	switch {
	case err != nil:
		return nil, nil, "metadata: " + err.Error()
	case !isThere:
		return &metav1.ObjectMeta{}, nil, ""
	}
	return meta, unknown, ""
}

// validate does what the API server does when a custom resource is made.
func (c *compiled) validate(object map[string]any) field.ErrorList {
	problems := validation.ValidateCustomResource(nil, object, c.schema)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, c.structural, object)...)
	if slices.ContainsFunc(problems, keepsFromRules) {
		return problems
	}
	broken, _ := c.rules.Validate(context.Background(), nil, c.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(problems, broken...)
}

// keepsFromRules tells whether rules cannot be evaluated on an object with this
// problem, by the API server's own list.
func keepsFromRules(problem *field.Error) bool {
	switch problem.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}
