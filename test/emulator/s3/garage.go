package s3

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/policy"
)

// GarageAdmin serves version 2 of Garage's administration API for this store, to
// who shows the token: the calls about keys, in the shapes of the OpenAPI document
// doc/api/garage-admin-v2.json of the Garage project (v2.0.0, June 2025). They
// were not held against a Garage.
//
// Buckets are known by their name to the account that made them and to nobody
// else, as Garage's local aliases make them, until a key is given the alias. What
// keys may do is enforced by the store.
func (s *Server) GarageAdmin(token string) http.Handler {
	g := &garage{store: s, keys: map[string]*garageKey{}}
	calls := map[string]func(http.ResponseWriter, *http.Request){
		"GET /v2/GetKeyInfo":      g.getKeyInfo,
		"GET /v2/ListKeys":        g.listKeys,
		"POST /v2/CreateKey":      g.createKey,
		"POST /v2/DeleteKey":      g.deleteKey,
		"POST /v2/AddBucketAlias": g.addBucketAlias,
		"POST /v2/AllowBucketKey": g.allowBucketKey,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			g.fail(w, r, http.StatusForbidden, "AccessDenied", "Forbidden: Invalid authorization token")
			return
		}
		handle, known := calls[r.Method+" "+r.URL.Path]
		if !known {
			g.fail(w, r, http.StatusBadRequest, "InvalidRequest", "Bad request: Unknown API endpoint: "+r.URL.Path)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		handle(w, r)
	})
}

// garage is what the admin API keeps beside the store. The store's lock guards it.
type garage struct {
	store *Server
	keys  map[string]*garageKey
}

type garageKey struct {
	name string
	// buckets are the rights by the bucket's name, aliases the names it knows.
	buckets map[string]garageRights
	aliases []string
}

type garageRights struct {
	Read  bool `json:"read"`
	Write bool `json:"write"`
	Owner bool `json:"owner"`
}

type garageBucketJSON struct {
	ID            string       `json:"id"`
	GlobalAliases []string     `json:"globalAliases"`
	LocalAliases  []string     `json:"localAliases"`
	Permissions   garageRights `json:"permissions"`
}

type garageKeyJSON struct {
	Name            string             `json:"name"`
	AccessKeyID     string             `json:"accessKeyId"`
	SecretAccessKey *string            `json:"secretAccessKey"`
	Permissions     map[string]bool    `json:"permissions"`
	Buckets         []garageBucketJSON `json:"buckets"`
}

// bucketID gives the identifier of a bucket, which is not its name.
func bucketID(name string) string { return fmt.Sprintf("%x", "id of "+name) }

func (g *garage) bucketNamed(id string) string {
	for name := range g.store.buckets {
		if bucketID(name) == id {
			return name
		}
	}
	return ""
}

// getKeyInfo knows the store's root account too, as the key that made the buckets.
func (g *garage) getKeyInfo(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	key := g.keys[id]
	if id == g.store.AccessKey {
		key = g.root()
	}
	if key == nil {
		g.unknownKey(w, r, id)
		return
	}
	g.answer(w, g.describe(id, key, nil))
}

func (g *garage) root() *garageKey {
	key := &garageKey{name: "root", buckets: map[string]garageRights{}}
	for name, b := range g.store.buckets {
		if b.owner == g.store.AccessKey {
			key.buckets[name] = garageRights{true, true, true}
			key.aliases = append(key.aliases, name)
		}
	}
	return key
}

func (g *garage) describe(id string, key *garageKey, secret *string) garageKeyJSON {
	described := garageKeyJSON{
		Name: key.name, AccessKeyID: id, SecretAccessKey: secret,
		Permissions: map[string]bool{"createBucket": false}, Buckets: []garageBucketJSON{},
	}
	for name, rights := range key.buckets {
		bucket := garageBucketJSON{ID: bucketID(name), GlobalAliases: []string{}, LocalAliases: []string{}, Permissions: rights}
		if slices.Contains(key.aliases, name) {
			bucket.LocalAliases = []string{name}
		}
		described.Buckets = append(described.Buckets, bucket)
	}
	return described
}

func (g *garage) listKeys(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]string{{"id": g.store.AccessKey, "name": "root"}}
	for id, key := range g.keys {
		list = append(list, map[string]string{"id": id, "name": key.name})
	}
	g.answer(w, list)
}

func (g *garage) createKey(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Name *string }
	if !g.read(w, r, &asked) {
		return
	}
	key := &garageKey{name: "Unnamed key", buckets: map[string]garageRights{}}
	if asked.Name != nil {
		key.name = *asked.Name
	}
	id, secret := "GK"+g.store.newID()[:24], g.store.newID()+g.store.newID()
	g.keys[id] = key
	g.store.learn(id, credential{secret, &identity{id: id, policy: &policy.Policy{}}})
	g.answer(w, g.describe(id, key, &secret))
}

func (g *garage) deleteKey(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	if g.keys[id] == nil {
		g.unknownKey(w, r, id)
		return
	}
	delete(g.keys, id)
	delete(g.store.credentials, id)
	w.WriteHeader(http.StatusOK)
}

func (g *garage) addBucketAlias(w http.ResponseWriter, r *http.Request) {
	var asked struct{ BucketID, AccessKeyID, LocalAlias string }
	if !g.read(w, r, &asked) {
		return
	}
	key, name := g.target(w, r, asked.AccessKeyID, asked.BucketID)
	if key == nil {
		return
	}
	if asked.LocalAlias == name { // another alias would be a name the store does not have
		key.aliases = append(key.aliases, name)
	}
	g.enforce(asked.AccessKeyID, key)
	g.answer(w, garageBucketJSON{ID: asked.BucketID, GlobalAliases: []string{}})
}

// allowBucketKey adds rights; those that are not asked for stay as they are.
func (g *garage) allowBucketKey(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		BucketID, AccessKeyID string
		Permissions           garageRights
	}
	if !g.read(w, r, &asked) {
		return
	}
	key, name := g.target(w, r, asked.AccessKeyID, asked.BucketID)
	if key == nil {
		return
	}
	rights := key.buckets[name]
	rights.Read = rights.Read || asked.Permissions.Read
	rights.Write = rights.Write || asked.Permissions.Write
	rights.Owner = rights.Owner || asked.Permissions.Owner
	key.buckets[name] = rights
	g.enforce(asked.AccessKeyID, key)
	g.answer(w, garageBucketJSON{ID: asked.BucketID, GlobalAliases: []string{}})
}

// target gives the key and the bucket's name that a call is about; a nil key was
// answered already.
func (g *garage) target(w http.ResponseWriter, r *http.Request, id, bucket string) (key *garageKey, name string) {
	if g.keys[id] == nil {
		g.unknownKey(w, r, id)
		return nil, ""
	}
	name = g.bucketNamed(bucket)
	if name == "" {
		g.fail(w, r, http.StatusNotFound, "NoSuchBucket", "Bucket not found: "+bucket)
		return nil, ""
	}
	return g.keys[id], name
}

// What Garage's rights let a key do through S3.
var (
	garageReads  = []string{"s3:Get*", "s3:List*"}
	garageWrites = []string{"s3:PutObject*", "s3:DeleteObject*", "s3:AbortMultipartUpload"}
)

// enforce makes the store hold a key to its rights in the buckets it can name.
// Requests in progress keep the identity they began with.
func (g *garage) enforce(id string, key *garageKey) {
	may := &policy.Policy{}
	for _, name := range key.aliases {
		rights := key.buckets[name]
		st := policy.Statement{Resources: []string{policy.ARNPrefix + name, policy.ARNPrefix + name + "/*"}}
		if rights.Read {
			st.Actions = append(st.Actions, garageReads...)
		}
		if rights.Write {
			st.Actions = append(st.Actions, garageWrites...)
		}
		if rights.Owner {
			st.Actions = []string{"s3:*"}
		}
		may.Statements = append(may.Statements, st)
	}
	known := g.store.credentials[id]
	g.store.learn(id, credential{known.secret, &identity{id: id, policy: may}})
}

func (g *garage) read(w http.ResponseWriter, r *http.Request, document any) bool {
	if err := json.NewDecoder(r.Body).Decode(document); err != nil {
		g.fail(w, r, http.StatusBadRequest, "InvalidRequest", "Bad request: Invalid JSON: "+err.Error())
		return false
	}
	return true
}

func (g *garage) answer(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

func (g *garage) unknownKey(w http.ResponseWriter, r *http.Request, id string) {
	g.fail(w, r, http.StatusNotFound, "NoSuchAccessKey", "Access key not found: "+id)
}

func (g *garage) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"code": code, "message": message, "region": g.store.Region, "path": strings.TrimSpace(r.URL.Path),
	})
}
