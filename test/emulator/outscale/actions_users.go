package outscale

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

type userOut struct {
	CreationDate, LastModificationDate, Path string
	UserEmail                                string `json:",omitempty"`
	UserID                                   string `json:"UserId"`
	UserName                                 string
}

func (u *user) out() userOut {
	return userOut{stamp(u.created), stamp(u.modified), u.path, u.email, u.id, u.name}
}

var (
	userForm = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{1,64}$`)
	pathForm = regexp.MustCompile(`^/([A-Za-z0-9_/]{0,510}/)?$`)
)

type createUserIn struct {
	Dry
	Path, UserEmail string
	UserName        string `needed:""`
}

func createUser(c *call, in createUserIn) (struct{ User userOut }, error) {
	var none struct{ User userOut }
	in.Path = cmp.Or(in.Path, "/")
	switch {
	case !userForm.MatchString(in.UserName):
		return none, errInvalid("UserName")
	case !pathForm.MatchString(in.Path):
		return none, errInvalid("Path")
	case c.account.user(in.UserName) != nil:
		return none, errUserExists
	}
	made := &user{
		id: letters(32), name: in.UserName, path: in.Path, email: in.UserEmail,
		created: c.now, modified: c.now, policies: map[string]*policy{},
	}
	c.account.users = append(c.account.users, made)
	return struct{ User userOut }{made.out()}, nil
}

type readUsersIn struct {
	Dry
	Filters        struct{ UserIds []string }
	FirstItem      int
	ResultsPerPage *int
}

type usersOut struct {
	HasMoreItems, MaxResultsTruncated bool
	MaxResultsLimit                   int
	Users                             []userOut
}

func readUsers(c *call, in readUsersIn) (usersOut, error) {
	size := pageDefault
	if in.ResultsPerPage != nil {
		size = *in.ResultsPerPage
	}
	if size < 1 || in.FirstItem < 0 {
		return usersOut{}, errInvalid("ResultsPerPage")
	}
	all := []userOut{}
	for _, user := range c.account.users {
		if contains(in.Filters.UserIds, user.id) {
			all = append(all, user.out())
		}
	}
	from := min(in.FirstItem, len(all))
	until := min(from+min(size, pageDefault), len(all))
	return usersOut{
		HasMoreItems: until < len(all), MaxResultsTruncated: size > pageDefault, MaxResultsLimit: pageDefault, Users: all[from:until],
	}, nil
}

type updateUserIn struct {
	Dry
	NewPath, NewUserEmail, NewUserName string
	UserName                           string `needed:""`
}

func updateUser(c *call, in updateUserIn) (struct{ User userOut }, error) {
	var none struct{ User userOut }
	changed := c.account.user(in.UserName)
	switch {
	case changed == nil:
		return none, errUserNotFound
	case in.NewUserName != "" && !userForm.MatchString(in.NewUserName):
		return none, errInvalid("NewUserName")
	case in.NewUserName != "" && in.NewUserName != in.UserName && c.account.user(in.NewUserName) != nil:
		return none, errUserExists
	case in.NewPath != "" && !pathForm.MatchString(in.NewPath):
		return none, errInvalid("NewPath")
	}
	changed.name = cmp.Or(in.NewUserName, changed.name)
	changed.path = cmp.Or(in.NewPath, changed.path)
	changed.email = cmp.Or(in.NewUserEmail, changed.email)
	changed.modified = c.now
	return struct{ User userOut }{changed.out()}, nil
}

type userIn struct {
	Dry
	UserName string `needed:""`
}

// deleteUser removes a user with its keys and policies.
func deleteUser(c *call, in userIn) (struct{}, error) {
	gone := c.account.user(in.UserName)
	if gone == nil {
		return struct{}{}, errUserNotFound
	}
	c.account.users = slices.DeleteFunc(c.account.users, func(u *user) bool { return u == gone })
	c.account.keys = slices.DeleteFunc(c.account.keys, func(k *accessKey) bool { return k.user == gone })
	return struct{}{}, nil
}

type putPolicyIn struct {
	Dry
	PolicyDocument string `needed:""`
	PolicyName     string `needed:""`
	UserName       string `needed:""`
}

// documentLimit bounds a policy, blanks not counted.
const documentLimit = 5120

func putUserPolicy(c *call, in putPolicyIn) (struct{}, error) {
	owner := c.account.user(in.UserName)
	if owner == nil {
		return struct{}{}, errUserNotFound
	}
	if len(in.PolicyName) > 128 {
		return struct{}{}, errInvalid("PolicyName")
	}
	return struct{}{}, c.setPolicy(owner, in.PolicyName, in.PolicyDocument, c.options.PolicyDelay)
}

// setPolicy writes a policy of a user, which counts after a delay.
func (s *Server) setPolicy(owner *user, name, text string, delay time.Duration) error {
	solid := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	parsed, err := parseDocument(text)
	if err != nil || len(solid) > documentLimit {
		return errInvalid("PolicyDocument")
	}
	s.revise(owner, name, revision{text: text, document: parsed}, delay)
	return nil
}

func (s *Server) revise(owner *user, name string, r revision, delay time.Duration) {
	known := owner.policies[name]
	if known == nil {
		known = &policy{}
		owner.policies[name] = known
	}
	r.from = s.options.Clock().UTC().Add(delay)
	known.revisions = append(known.revisions, r)
}

type policyIn struct {
	Dry
	PolicyName string `needed:""`
	UserName   string `needed:""`
}

// policyOf finds a policy that was written and not deleted.
func (c *call) policyOf(in policyIn) (*user, *policy, error) {
	owner := c.account.user(in.UserName)
	if owner == nil {
		return nil, nil, errUserNotFound
	}
	known := owner.policies[in.PolicyName]
	if known == nil || known.latest().document == nil {
		return nil, nil, errPolicyNotFound
	}
	return owner, known, nil
}

func deleteUserPolicy(c *call, in policyIn) (struct{}, error) {
	owner, _, err := c.policyOf(in)
	if err == nil {
		c.revise(owner, in.PolicyName, revision{}, c.options.PolicyDelay)
	}
	return struct{}{}, err
}

type policyOut struct{ PolicyDocument, PolicyName, UserName string }

func readUserPolicy(c *call, in policyIn) (policyOut, error) {
	_, known, err := c.policyOf(in)
	if err != nil {
		return policyOut{}, err
	}
	return policyOut{known.latest().text, in.PolicyName, in.UserName}, nil
}

func readUserPolicies(c *call, in userIn) (struct{ PolicyNames []string }, error) {
	var none struct{ PolicyNames []string }
	owner := c.account.user(in.UserName)
	if owner == nil {
		return none, errUserNotFound
	}
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(owner.policies)) {
		if owner.policies[name].latest().document != nil {
			names = append(names, name)
		}
	}
	return struct{ PolicyNames []string }{names}, nil
}
