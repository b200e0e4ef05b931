package ovh

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

func listProjects(c *call) (any, error) { return []string{c.Project}, nil }

func getProject(c *call) (any, error) {
	return map[string]any{
		"project_id":   c.Project,
		"projectName":  "emulated",
		"description":  "Emulated project",
		"planCode":     "project.2018",
		"status":       "ok",
		"unleash":      false,
		"access":       "full",
		"orderId":      nil,
		"expiration":   nil,
		"creationDate": "2024-01-15T09:00:00Z",
		"manualQuota":  false,
	}, nil
}

// listInstances gives what cloud.instance.Instance of the vendor's schema must have.
func listInstances(c *call) (any, error) {
	all := []map[string]any{}
	for i, instance := range c.options.Instances {
		all = append(all, map[string]any{
			"id": instance.ID, "name": "node-" + strconv.Itoa(i), "region": instance.Region, "status": cmp.Or(instance.Status, "ACTIVE"),
			"flavorId": "flavor", "imageId": "image", "created": "2026-01-15T09:00:00Z", "ipAddresses": []any{}, "operationIds": []any{},
		})
	}
	return all, nil
}

// role is what a user may do outside his policy.
type role struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Permissions []string `json:"permissions"`
}

// Roles that open object storage.
const (
	roleAdministrator = "administrator"
	roleObjectStore   = "objectstore_operator"
)

// projectRoles are the vendor's, by the names that its client knows. The ids are
// made up: a client has to look them up.
func projectRoles() []role {
	names := []string{
		roleAdministrator, "ai_training_operator", "ai_training_read", "authentication", "backup_operator",
		"compute_operator", "image_operator", "infrastructure_supervisor", "key-manager_operator", "key-manager_read",
		"load-balancer_operator", "network_operator", "network_security_operator", roleObjectStore, "volume_operator",
	}
	all := make([]role, len(names))
	for i, name := range names {
		all[i] = role{
			ID:          strings.Repeat(strconv.FormatInt(int64(i+1), 16), 32),
			Name:        name,
			Description: strings.ReplaceAll(name, "_", " "),
			Permissions: []string{name},
		}
	}
	return all
}

func findRole(is func(role) bool) (role, bool) {
	all := projectRoles()
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return role{}, false
	}
	return all[i], true
}

func listRoles(*call) (any, error) {
	return map[string]any{"roles": projectRoles(), "services": []any{}}, nil
}
