package ovh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// maxObjects is how many objects one answer has at most.
const maxObjects = 1000

// place finds the region of the path, if it is in the project and keeps buckets.
func (c *call) place() (*region, error) {
	name := c.vars["regionName"]
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.regions[name]
	switch {
	case !ok || r.spec.Inactive:
		return nil, errRegionNotFound(name)
	case r.spec.Status == Maintenance:
		return nil, errRegionInMaintenance(name)
	case !r.spec.HasStorage():
		return nil, errNoStorageHere(name)
	}
	return r, nil
}

// bucket finds the bucket of the path.
func (c *call) bucket() (*region, dataplane.Bucket, error) {
	r, err := c.place()
	if err != nil {
		return nil, dataplane.Bucket{}, err
	}
	plane, ok := r.running()
	if !ok {
		return nil, dataplane.Bucket{}, errContainerNotFound()
	}
	b, ok := plane.Bucket(c.vars["name"])
	if !ok || !c.isVisible(b.Name) {
		return nil, dataplane.Bucket{}, errContainerNotFound()
	}
	return r, b, nil
}

func (c *call) isVisible(bucket string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.visible(c.hiddenUntil[bucket])
}

func listBuckets(c *call) (any, error) {
	r, err := c.place()
	if err != nil {
		return nil, err
	}
	buckets, err := c.showAll(r)
	if err != nil {
		return nil, err
	}
	listed := []container{}
	for _, b := range buckets {
		if c.isVisible(b.Name) {
			listed = append(listed, b.listItem())
		}
	}
	return listed, nil
}

// showAll is every bucket of a region. One that is deleted meanwhile is left out: to
// answer 404 for it would say that the region has no list.
func (c *call) showAll(r *region) ([]container, error) {
	plane, ok := r.running()
	if !ok {
		return nil, nil
	}
	var all []container
	for _, b := range plane.Buckets() {
		shown, err := c.show(r, b)
		if known, ok := errors.AsType[*apiError](err); ok && known.Status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, shown)
	}
	return all, nil
}

// show is a bucket in the API's form, with the number and size of its objects and
// without the objects.
func (c *call) show(r *region, b dataplane.Bucket) (container, error) {
	shown := toContainer(b)
	shown.Region = r.spec.Name
	for i, rule := range shown.Replication.Rules {
		// S3 has no word for a destination's region.
		if far, _, ok := c.findBucket(rule.Destination.Name); ok && rule.Destination.Region == "" {
			shown.Replication.Rules[i].Destination.Region = far.spec.Name
		}
	}
	shown.OwnerID = c.ownerID(b.Owner)
	shown.VirtualHost = fmt.Sprintf("https://%s.s3.%s.io.cloud.ovh.net/", b.Name, r.scope())
	objects, err := r.objects(c.r.Context(), b.Name, listing{})
	for _, o := range objects {
		shown.ObjectsCount++
		shown.ObjectsSize += o.Size
	}
	return shown, err
}

func getBucket(c *call) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	shown, err := c.show(r, b)
	if err != nil || c.query.Get("noObjects") == "true" {
		return shown, err
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	shown.Objects, err = r.objects(c.r.Context(), b.Name, listing{prefix: c.query.Get("prefix"), after: c.query.Get("marker"), limit: limit})
	return shown, err
}

// limit reads how many objects are wanted.
func (c *call) limit() (int, error) {
	text := c.query.Get("limit")
	if text == "" {
		return maxObjects, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxObjects {
		return 0, errInvalidParameter("limit is not between 1 and 1000")
	}
	return n, nil
}

func createBucket(c *call) (any, error) {
	r, err := c.place()
	if err != nil {
		return nil, err
	}
	var asked container
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if err := c.checkNew(asked); err != nil {
		return nil, err
	}
	owner, err := c.newOwner(asked.OwnerID)
	if err != nil {
		return nil, err
	}
	wanted, err := fromContainer(asked)
	if err != nil {
		return nil, err
	}
	wanted.Owner = owner
	b, err := c.make(c.r.Context(), r, wanted)
	if err != nil {
		return nil, err
	}
	shown, err := c.show(r, b)
	shown.CreatedAt = wrongCreatedAt
	return shown, err
}

func (c *call) checkNew(asked container) error {
	if err := asked.check(); err != nil {
		return err
	}
	if locked(asked.ObjectLock) && asked.Versioning != nil && asked.Versioning.Status != enabled {
		return errInvalidParameter("object lock needs versioning")
	}
	if asked.Replication != nil && len(asked.Replication.Rules) > 0 && !versioned(asked) {
		return errInvalidParameter("replication needs versioning")
	}
	return nil
}

func locked(l *objectLock) bool { return l != nil && l.Status == enabled }

func versioned(b container) bool {
	return locked(b.ObjectLock) || b.Versioning != nil && b.Versioning.Status == enabled
}

// newOwner finds the identity that shall own a bucket. One that is still being made
// is unknown here.
func (c *call) newOwner(id int64) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now)
	if id == 0 {
		id = c.ownerWhenOmitted(c.now)
		if id == 0 {
			return "", nil
		}
	}
	u, ok := c.users[id]
	if !ok || c.status(u, c.now) != UserOK {
		return "", errOwnerNotFound(id)
	}
	return c.identity(u), nil
}

// make makes a bucket and whatever its replication wants as a destination. What
// cannot be finished is taken back.
func (s *Server) make(ctx context.Context, r *region, wanted dataplane.Bucket) (dataplane.Bucket, error) {
	plane, err := r.start(ctx)
	if err != nil {
		return dataplane.Bucket{}, errPlane(err)
	}
	rules, lifecycle := wanted.Replication, wanted.Lifecycle
	wanted.Replication, wanted.Lifecycle = nil, nil
	if _, err := plane.MakeBucket(ctx, wanted); err != nil {
		return dataplane.Bucket{}, fromS3(err)
	}
	s.hide(wanted.Name)
	err = errors.Join(plane.SetLifecycle(wanted.Name, lifecycle), s.replicate(ctx, r, wanted.Name, rules))
	if err != nil {
		// The first error is the one to tell.
		_ = plane.DeleteBucket(ctx, wanted.Name)
		return dataplane.Bucket{}, fromS3(err)
	}
	b, _ := plane.Bucket(wanted.Name)
	return b, nil
}

func (s *Server) hide(bucket string) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hiddenUntil, bucket)
	if s.knobs.visibleIn > 0 {
		s.hiddenUntil[bucket] = now.Add(s.knobs.visibleIn)
	}
}

// editBucket replaces what was sent and leaves the rest.
func editBucket(c *call) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	var asked container
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if err := asked.check(); err != nil {
		return nil, err
	}
	if err := keepsLock(toContainer(b), asked); err != nil {
		return nil, err
	}
	wanted, err := fromContainer(asked)
	if err != nil {
		return nil, err
	}
	return nil, fromS3(c.edit(r, b, asked, wanted))
}

// keepsLock refuses every change of object lock, and what would undo it.
func keepsLock(have, asked container) error {
	if locked(have.ObjectLock) && asked.Versioning != nil && asked.Versioning.Status != enabled {
		return errInvalidParameter("object lock needs versioning")
	}
	if have.Versioning.Status != disabled && asked.Versioning != nil && asked.Versioning.Status == disabled {
		return errInvalidParameter("versioning can be suspended, not disabled")
	}
	if asked.ObjectLock == nil {
		return nil
	}
	if locked(have.ObjectLock) != locked(asked.ObjectLock) {
		return errLockIsFixed()
	}
	if asked.ObjectLock.Rule == nil && have.ObjectLock.Rule == nil {
		return nil
	}
	if asked.ObjectLock.Rule == nil || have.ObjectLock.Rule == nil || !sameRule(*have.ObjectLock.Rule, *asked.ObjectLock.Rule) {
		return errLockIsFixed()
	}
	return nil
}

// sameRule compares periods by what they mean. Both were checked.
func sameRule(a, b lockRule) bool {
	left, _ := periodDays(a.Period)
	right, _ := periodDays(b.Period)
	return a.Mode == b.Mode && left == right
}

func (c *call) edit(r *region, b dataplane.Bucket, asked container, wanted dataplane.Bucket) error {
	plane, err := r.start(c.r.Context())
	if err != nil {
		return err
	}
	steps := []struct {
		sent bool
		do   func() error
	}{
		{asked.Versioning != nil && wanted.Versioning != b.Versioning, func() error {
			return plane.SetVersioning(c.r.Context(), b.Name, wanted.Versioning)
		}},
		{asked.Encryption != nil, func() error { return plane.SetEncryption(b.Name, wanted.Encryption) }},
		{asked.Tags != nil, func() error { return plane.SetTags(b.Name, wanted.Tags) }},
		{asked.Lifecycle != nil, func() error { return plane.SetLifecycle(b.Name, wanted.Lifecycle) }},
		{asked.Replication != nil, func() error { return c.replicate(c.r.Context(), r, b.Name, wanted.Replication) }},
	}
	for _, step := range steps {
		if !step.sent {
			continue
		}
		if err := step.do(); err != nil {
			return err
		}
	}
	return nil
}

func deleteBucket(c *call) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	plane, err := r.start(c.r.Context())
	if err != nil {
		return nil, errPlane(err)
	}
	return nil, fromS3(plane.DeleteBucket(c.r.Context(), b.Name))
}

// getStorageQuota tells what a region keeps; there is no limit unless somebody set
// one.
func getStorageQuota(c *call) (any, error) {
	r, err := c.place()
	if err != nil {
		return nil, err
	}
	buckets, err := c.showAll(r)
	if err != nil {
		return nil, err
	}
	var objects, size int64
	for _, b := range buckets {
		objects, size = objects+b.ObjectsCount, size+b.ObjectsSize
	}
	return map[string]any{"bytesUsed": size, "quotaBytes": nil, "containerCount": len(buckets), "objectCount": objects}, nil
}

// findBucket looks for a bucket in every region that runs.
func (s *Server) findBucket(bucket string) (*region, *dataplane.Region, bool) {
	s.mu.Lock()
	all := make([]*region, 0, len(s.order))
	for _, name := range s.order {
		all = append(all, s.regions[name])
	}
	s.mu.Unlock()
	for _, r := range all {
		if plane, ok := r.running(); ok {
			if _, ok := plane.Bucket(bucket); ok {
				return r, plane, true
			}
		}
	}
	return nil, nil, false
}
