package ovh

import (
	"slices"
	"strconv"
)

// key is an S3 credential. It works in every region of the project.
type key struct{ access, secret string }

// keyDocument never has the secret: the vendor shows it when a key is made and when it
// is asked for by itself.
func (c *call) keyDocument(u *user, k *key) map[string]any {
	return map[string]any{"access": k.access, "tenantId": c.Project, "userId": strconv.FormatInt(u.id, 10)}
}

func listKeys(c *call) (any, error) {
	return c.inUser(func(u *user) (any, error) {
		all := []map[string]any{}
		for _, k := range u.keys {
			all = append(all, c.keyDocument(u, k))
		}
		return all, nil
	})
}

func createKey(c *call) (any, error) {
	return c.inReadyUser(func(u *user) (any, error) {
		if c.knobs.keyLimit > 0 && len(u.keys) >= c.knobs.keyLimit {
			return nil, errKeyLimit()
		}
		k := &key{access: randomHex(16), secret: c.newSecret()}
		u.keys = append(u.keys, k)
		d := c.keyDocument(u, k)
		d["secret"] = k.secret
		return d, nil
	})
}

// inKey carries out something with the key of the path.
func (c *call) inKey(do func(*user, *key) (any, error)) (any, error) {
	return c.inUser(func(u *user) (any, error) {
		i := slices.IndexFunc(u.keys, func(k *key) bool { return k.access == c.vars["access"] })
		if i < 0 {
			return nil, errKeyNotFound()
		}
		return do(u, u.keys[i])
	})
}

func getKey(c *call) (any, error) {
	return c.inKey(func(u *user, k *key) (any, error) { return c.keyDocument(u, k), nil })
}

func showSecret(c *call) (any, error) {
	return c.inKey(func(_ *user, k *key) (any, error) { return map[string]any{"secret": k.secret}, nil })
}

func deleteKey(c *call) (any, error) {
	return c.inKey(func(u *user, gone *key) (any, error) {
		u.keys = slices.DeleteFunc(u.keys, func(k *key) bool { return k == gone })
		return nil, nil
	})
}

// ofKey finds the user of an access key, and its secret. The caller holds mu.
func (s *Server) ofKey(access string) (*user, *key, bool) {
	for _, u := range s.users {
		for _, k := range u.keys {
			if k.access == access {
				return u, k, true
			}
		}
	}
	return nil, nil, false
}
