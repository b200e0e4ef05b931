package ovh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

const (
	// storageRole is the least role with which a user may use object storage.
	storageRole = "objectstore_operator"

	userOK       = "ok"
	userCreating = "creating"

	// makingTime is how long the making of a user may take: what OVHcloud's own
	// Terraform provider waits (resource_cloud_project_user.go, read August 2026).
	makingTime = 10 * time.Minute
	// makingPause is when to look again; it is the interval of the same provider.
	makingPause = 3 * time.Second
)

// user is a user of the project. Nothing but the description can say whose it is.
type user struct {
	ID          int64
	Description string
	Status      string
	Created     string `json:"creationDate"`
}

// age tells for how long a user has been there at a time; 0 when it does not say.
func (u user) age(now time.Time) time.Duration {
	created, err := time.Parse(time.RFC3339, u.Created)
	if err != nil {
		return 0
	}
	return now.Sub(created)
}

func (u user) isThere() bool { return u.Status == userOK || u.Status == userCreating }

// holder is who a user is made for.
type holder struct {
	// description is that of its user, and of no other.
	description string
	// name says in messages who it is.
	name string
	// isShared tells that processes use its keys beside each other.
	isShared bool
}

// holderOf gives the consumer of a grant. Two installations on one project know
// their users by the installation.
func (p *project) holderOf(consumer string) holder {
	return holder{description: "rempart/" + p.installation + "/consumer/" + consumer, name: fmt.Sprintf("consumer %q", consumer)}
}

// operatorHolder is who owns all buckets of the installation.
func (p *project) operatorHolder() holder {
	return holder{description: "rempart/" + p.installation + "/operator", name: "the operator", isShared: true}
}

// listUsers gives all users of the project.
func (p *project) listUsers(ctx context.Context) ([]user, *exchange, error) {
	q := question{operation: opListUsers, subject: p.what(), method: http.MethodGet, path: p.path("user")}
	var all []user
	x, err := p.api.ask(ctx, q, &all)
	return all, x, err
}

// usersOf gives the users of a holder, by their ids, but those that are going.
func (p *project) usersOf(ctx context.Context, who holder) ([]user, *exchange, error) {
	all, x, err := p.listUsers(ctx)
	of := slices.DeleteFunc(all, func(u user) bool { return u.Description != who.description || !u.isThere() })
	slices.SortFunc(of, func(a, b user) int { return cmp.Compare(a.ID, b.ID) })
	return of, x, err
}

// ensureUser gives the user of a holder once it can be used, and makes it where
// there is none. Where two sessions made one each, the lower id stays and the other
// goes, unless somebody may be using its keys. The caller holds the holder's turn.
func (p *project) ensureUser(ctx context.Context, who holder) (user, error) {
	found, x, err := p.usersOf(ctx, who)
	if err == nil && len(found) == 0 && p.mayMake(who, x.Date()) {
		if err := p.makeUser(ctx, who, x.Date()); err != nil {
			return user{}, err
		}
		found, x, err = p.usersOf(ctx, who)
	}
	if err != nil {
		return user{}, err
	}
	if len(found) == 0 {
		return user{}, p.await(who, x, "it is made, and not listed yet")
	}
	p.made.Delete(who.description)
	for _, extra := range found[1:] {
		if err := p.removeUser(ctx, who, extra); err != nil {
			return user{}, err
		}
	}
	return p.ready(who, found[0], x)
}

// ready gives a user if it can be used.
func (p *project) ready(who holder, first user, x *exchange) (user, error) {
	if first.Status == userOK {
		return first, nil
	}
	if first.age(x.Date()) > makingTime {
		return user{}, x.about(opAwaitUser, p.of(who)).fail(userStuck, fmt.Sprintf(
			"user %d is still being made after more than %s; delete it in the control panel, or ask OVHcloud's support", first.ID, makingTime))
	}
	return user{}, p.await(who, x, fmt.Sprintf("user %d is being made", first.ID))
}

// await is for a user that will be there soon.
func (p *project) await(who holder, x *exchange, why string) error {
	failure := x.about(opAwaitUser, p.of(who)).fail(inTheMaking, why)
	failure.After = makingPause
	return failure
}

// of names a holder in messages.
func (p *project) of(who holder) string { return who.name + " in " + p.what() }

// mayMake tells whether a user that is not listed may be made: not when it was made
// by this process so short a time ago that the list may lack it.
func (p *project) mayMake(who holder, now time.Time) bool {
	at, made := p.made.Load(who.description)
	return !made || now.Sub(at.(time.Time)) > makingTime
}

// makeUser has a user made. It is not there at once.
func (p *project) makeUser(ctx context.Context, who holder, now time.Time) error {
	q := question{operation: opMakeUser, subject: p.of(who), method: http.MethodPost, path: p.path("user")}
	q.send = map[string]string{"description": who.description, "role": storageRole}
	var made user
	x, err := p.api.ask(ctx, q, &made)
	if err == nil {
		p.made.Store(who.description, now)
		return nil
	}
	if !x.isRefused(err) {
		return err
	}
	all, _, countErr := p.listUsers(ctx)
	if countErr != nil {
		return countErr
	}
	if len(all) >= usersPerProject || x.isOfLimit() {
		return x.fail(userLimit, fmt.Sprintf("%s, with %d users in the project", x.detail(), len(all)))
	}
	return err
}

// isOfLimit tells whether the API's words are about a limit. They decide nothing
// alone: a request that is otherwise good was refused.
func (x *exchange) isOfLimit() bool {
	told := strings.ToLower(x.refusal.Class + " " + x.refusal.Code + " " + x.refusal.Message)
	return slices.ContainsFunc([]string{"quota", "limit", "maximum", "too many"}, func(word string) bool { return strings.Contains(told, word) })
}

// removeUser removes a user of a holder with its keys, unless somebody may be using
// them.
func (p *project) removeUser(ctx context.Context, who holder, extra user) error {
	keys, err := p.listKeys(ctx, who, extra)
	if err != nil && !isGone(err) || who.isShared && len(keys) > 0 {
		return err
	}
	return p.endUser(ctx, who, extra, keys)
}

// endUser ends the keys of a user, and then the user: the end of a user takes a
// while, in which its keys work.
func (p *project) endUser(ctx context.Context, who holder, of user, keys []string) error {
	if err := p.endKeys(ctx, who, of, keys); err != nil {
		return err
	}
	return p.deleteUser(ctx, who, of)
}

// endKeys ends keys of a user.
func (p *project) endKeys(ctx context.Context, who holder, of user, keys []string) error {
	for _, access := range keys {
		if err := p.deleteKey(ctx, who, of, access); err != nil {
			return err
		}
	}
	return nil
}

// deleteUser removes a user; one that is gone is no error. It goes on for a while
// after the answer.
func (p *project) deleteUser(ctx context.Context, who holder, gone user) error {
	_, err := p.api.ask(ctx, p.ofUser(opDeleteUser, who, http.MethodDelete, gone), nil)
	if isGone(err) {
		return nil
	}
	return err
}

func isGone(err error) bool { return errors.Is(err, provider.ErrNotFound) }

// ofUser gives a question about a user of a holder.
func (p *project) ofUser(operation operation, who holder, method string, of user, parts ...string) question {
	return question{
		operation: operation, subject: fmt.Sprintf("%s (user %d of %s)", who.name, of.ID, p.what()), method: method,
		path: p.path(append([]string{"user", strconv.FormatInt(of.ID, 10)}, parts...)...),
	}
}

// credential is a key of a user. Its secret comes with its making; later it is
// shown when asked for.
type credential struct {
	Access string
	Secret string
}

func (c credential) key() provider.Key {
	return provider.Key{AccessKey: c.Access, SecretKey: secret.New(c.Secret)}
}

const keysPath = "s3Credentials"

// listKeys gives the access keys of a user.
func (p *project) listKeys(ctx context.Context, who holder, of user) ([]string, error) {
	var answer []credential
	if _, err := p.api.ask(ctx, p.ofUser(opListKeys, who, http.MethodGet, of, keysPath), &answer); err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(answer))
	for _, key := range answer {
		keys = append(keys, key.Access)
	}
	return keys, nil
}

// makeKey gives a user one more key. What can be wrong with a request without
// content, for a user that has keys, is that it has as many as it may.
func (p *project) makeKey(ctx context.Context, who holder, of user, has int) (provider.Key, error) {
	var made credential
	x, err := p.api.ask(ctx, p.ofUser(opMakeKey, who, http.MethodPost, of, keysPath), &made)
	switch {
	case err != nil && x.isRefused(err) && !isGone(err) && (has > 0 || x.isOfLimit()):
		return provider.Key{}, x.fail(keyLimit, fmt.Sprintf("%s, with %d keys of this user", x.detail(), has))
	case err != nil:
		return provider.Key{}, err
	case made.Access == "" || made.Secret == "":
		return provider.Key{}, x.fail(failing, "the answer has no key")
	}
	return made.key(), nil
}

// showKey gives a key of a user with its secret.
func (p *project) showKey(ctx context.Context, who holder, of user, access string) (provider.Key, error) {
	var shown credential
	x, err := p.api.ask(ctx, p.ofUser(opShowKey, who, http.MethodPost, of, keysPath, access, "secret"), &shown)
	if err != nil {
		return provider.Key{}, err
	}
	if shown.Secret == "" {
		return provider.Key{}, x.fail(notFound, "the answer has no secret")
	}
	shown.Access = access
	return shown.key(), nil
}

// deleteKey ends a key; one that is gone is no error.
func (p *project) deleteKey(ctx context.Context, who holder, of user, access string) error {
	_, err := p.api.ask(ctx, p.ofUser(opDeleteKey, who, http.MethodDelete, of, keysPath, access), nil)
	if isGone(err) {
		return nil
	}
	return err
}

// setPolicy says what a user may do, in place of what was said before. There is no
// call to remove a policy.
func (p *project) setPolicy(ctx context.Context, who holder, of user, rights policy) error {
	q := p.ofUser(opSetPolicy, who, http.MethodPost, of, "policy")
	q.send = map[string]string{"policy": rights.encode()}
	_, err := p.api.ask(ctx, q, nil)
	return err
}
