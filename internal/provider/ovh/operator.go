package ovh

import (
	"context"
	"errors"
	"sync"

	"github.com/rempart/rempart/internal/provider"
)

// operator is what is known of the user that owns all buckets. Nothing of it is
// stored outside the process: the user is found by its description, and OVHcloud
// shows the secret of its key.
type operator struct {
	mu  sync.Mutex
	is  user
	key provider.Key
}

func (o *operator) known() (user, provider.Key, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.is, o.key, o.key.AccessKey != ""
}

func (o *operator) remember(is user, key provider.Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.is, o.key = is, key
}

// forget drops a key that is refused, unless another one has come meanwhile.
func (o *operator) forget(key provider.Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.key.AccessKey == key.AccessKey {
		o.is, o.key = user{}, provider.Key{}
	}
}

// ensureOperator gives the operator's user and its key, and sees to it that they
// are there: five requests the first time, none from then on.
func (p *project) ensureOperator(ctx context.Context) (user, provider.Key, error) {
	if is, key, known := p.operator.known(); known {
		return is, key, nil
	}
	who := p.operatorHolder()
	release, err := p.users.take(ctx, who.description)
	if err != nil {
		return user{}, provider.Key{}, err
	}
	defer release()
	if is, key, known := p.operator.known(); known {
		return is, key, nil // made while we waited
	}
	is, err := p.ensureUser(ctx, who)
	if err != nil {
		return user{}, provider.Key{}, err
	}
	// Objects belong to who wrote them, and adopted buckets to whoever made them:
	// owning the bucket is not enough to reach all of them.
	if err := p.setPolicy(ctx, who, is, everything()); err != nil {
		return user{}, provider.Key{}, err
	}
	key, err := p.anyKey(ctx, who, is)
	if err != nil {
		return user{}, provider.Key{}, err
	}
	p.operator.remember(is, key)
	return is, key, nil
}

// anyKey gives the first key whose secret can be had, or a new one.
func (p *project) anyKey(ctx context.Context, who holder, of user) (provider.Key, error) {
	keys, err := p.listKeys(ctx, who, of)
	if err != nil {
		return provider.Key{}, err
	}
	for _, access := range keys {
		key, err := p.showKey(ctx, who, of, access)
		if err == nil {
			return key, nil
		}
		// A login that may not see secrets must not make a key at every start.
		if !errors.Is(err, provider.ErrNotFound) && !errors.Is(err, provider.ErrUnsupported) {
			return provider.Key{}, err
		}
	}
	return p.makeKey(ctx, who, of, len(keys))
}
