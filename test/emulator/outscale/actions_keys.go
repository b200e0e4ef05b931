package outscale

import (
	"cmp"
	"regexp"
	"slices"
	"time"
)

// keyOut is a key without its secret.
type keyOut struct {
	AccessKeyID                               string `json:"AccessKeyId"`
	CreationDate, LastModificationDate, State string
	ExpirationDate                            string `json:",omitempty"`
	Tag                                       string `json:",omitempty"`
}

// keySecretOut is a key as it is shown once, when it is made.
type keySecretOut struct {
	keyOut
	SecretKey string
}

func (k *accessKey) out() keyOut {
	return keyOut{
		AccessKeyID: k.id, CreationDate: stamp(k.created), LastModificationDate: stamp(k.modified),
		State: k.state, ExpirationDate: stamp(k.expires), Tag: k.tag,
	}
}

// owner finds whose keys are meant: those of the named user, or of who asks.
func (c *call) owner(userName string) (*user, error) {
	if userName == "" {
		return c.who, nil
	}
	if named := c.account.user(userName); named != nil {
		return named, nil
	}
	return nil, errUserNotFound
}

type createKeyIn struct {
	Dry
	ExpirationDate, Tag, UserName string
}

func createAccessKey(c *call, in createKeyIn) (struct{ AccessKey keySecretOut }, error) {
	var none struct{ AccessKey keySecretOut }
	owner, err := c.owner(in.UserName)
	if err != nil {
		return none, err
	}
	expires, err := expiry(in.ExpirationDate)
	if err != nil {
		return none, err
	}
	if len(c.account.keysOf(owner)) >= c.options.KeyLimit {
		return none, errKeyLimit
	}
	key := newKey(c.now, owner)
	key.tag, key.expires = in.Tag, expires
	c.account.addKey(key)
	return struct{ AccessKey keySecretOut }{keySecretOut{key.out(), key.secret}}, nil
}

func expiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	date, err := parseTime(text)
	if err != nil {
		return time.Time{}, errInvalid("ExpirationDate")
	}
	return date, nil
}

type readKeysIn struct {
	Dry
	Filters       struct{ AccessKeyIds, States []string }
	Tag, UserName string
}

func readAccessKeys(c *call, in readKeysIn) (struct{ AccessKeys []keyOut }, error) {
	owner, err := c.owner(in.UserName)
	if err != nil {
		return struct{ AccessKeys []keyOut }{}, err
	}
	keys := []keyOut{}
	for _, key := range c.account.keysOf(owner) {
		if contains(in.Filters.AccessKeyIds, key.id) && contains(in.Filters.States, key.state) && (in.Tag == "" || in.Tag == key.tag) {
			keys = append(keys, key.out())
		}
	}
	return struct{ AccessKeys []keyOut }{keys}, nil
}

// ownKey finds a key among those of a user.
func (c *call) ownKey(id, userName string) (*accessKey, error) {
	owner, err := c.owner(userName)
	if err != nil {
		return nil, err
	}
	if key := c.account.key(id); key != nil && key.user == owner {
		return key, nil
	}
	return nil, errKeyNotFound
}

type updateKeyIn struct {
	Dry
	AccessKeyID                          string `json:"AccessKeyId" needed:""`
	ClearExpirationDate, ClearTag        bool
	ExpirationDate, State, Tag, UserName string
}

var keyForm = regexp.MustCompile(`^[A-Z0-9]{20}$`)

// updateAccessKey also takes the date of expiry away when none is sent, as the
// vendor's document says.
func updateAccessKey(c *call, in updateKeyIn) (struct{ AccessKey keyOut }, error) {
	var none struct{ AccessKey keyOut }
	if !keyForm.MatchString(in.AccessKeyID) {
		return none, errKeyNotValid
	}
	key, err := c.ownKey(in.AccessKeyID, in.UserName)
	if err != nil {
		return none, err
	}
	if !slices.Contains([]string{"", active, inactive}, in.State) {
		return none, errInvalid("State")
	}
	expires, err := expiry(in.ExpirationDate)
	if err != nil {
		return none, err
	}
	if in.ClearExpirationDate {
		expires = time.Time{}
	}
	key.expires, key.state, key.modified = expires, cmp.Or(in.State, key.state), c.now
	if key.tag = cmp.Or(in.Tag, key.tag); in.ClearTag {
		key.tag = ""
	}
	return struct{ AccessKey keyOut }{key.out()}, nil
}

type deleteKeyIn struct {
	Dry
	AccessKeyID string `json:"AccessKeyId" needed:""`
	UserName    string
}

func deleteAccessKey(c *call, in deleteKeyIn) (struct{}, error) {
	key, err := c.ownKey(in.AccessKeyID, in.UserName)
	if err != nil {
		return struct{}{}, err
	}
	c.account.removeKey(key.id)
	return struct{}{}, nil
}
