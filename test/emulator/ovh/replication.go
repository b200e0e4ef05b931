package ovh

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// replicate sets the rules of a bucket and makes the destinations that are missing,
// with the bucket's owner.
func (s *Server) replicate(ctx context.Context, r *region, name string, rules []dataplane.ReplicationRule) error {
	plane, err := r.start(ctx)
	if err != nil {
		return err
	}
	targets := make([]*region, len(rules))
	for i, rule := range rules {
		if targets[i], err = s.target(rule.DestinationRegion); err != nil {
			return err
		}
	}
	source, _ := plane.Bucket(name)
	for i, rule := range rules {
		far, err := targets[i].start(ctx)
		if err != nil {
			return err
		}
		if _, ok := far.Bucket(rule.Destination); ok {
			continue
		}
		if _, err := far.MakeBucket(ctx, dataplane.Bucket{Name: rule.Destination, Owner: source.Owner, Versioning: dataplane.VersioningEnabled}); err != nil {
			return err
		}
	}
	return plane.SetReplication(name, rules)
}

// target finds a region that replication can go to.
func (s *Server) target(name string) (*region, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.regions[name]
	if !ok || r.spec.Inactive || !r.spec.HasStorage() {
		return nil, errInvalidParameter("no such region: " + name)
	}
	return r, nil
}

// replicationJob copies what was there before a rule. It is kept and not carried
// out, as replication is.
type replicationJob struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	Total        int64  `json:"total"`
	Completed    int64  `json:"completed"`
	Failed       int64  `json:"failed"`
	Stuck        int64  `json:"stuck"`
	CreationDate string `json:"creationDate"`
}

func listReplicationJobs(c *call) (any, error) {
	_, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]replicationJob{}, c.jobs[b.Name]...), nil
}

func createReplicationJob(c *call) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(b.Replication, func(rule dataplane.ReplicationRule) bool { return rule.Enabled }) {
		return nil, errInvalidParameter("the container has no replication rule that is enabled")
	}
	objects, err := r.objects(c.r.Context(), b.Name, listing{})
	if err != nil {
		return nil, err
	}
	job := replicationJob{ID: randomHex(8), Status: "pending", Total: int64(len(objects)), CreationDate: c.now.Format(time.RFC3339)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs[b.Name] = append(c.jobs[b.Name], job)
	return job, nil
}

// AddReplication is somebody at the vendor's console who points a bucket's
// replication at another region: a bucket is made there and a rule is added. It
// switches versioning on, which replication needs.
func (s *Server) AddReplication(bucket, toRegion string) error {
	ctx := context.Background()
	r, plane, ok := s.findBucket(bucket)
	if !ok {
		return fmt.Errorf("add replication: no bucket %q", bucket)
	}
	b, _ := plane.Bucket(bucket)
	if b.Versioning != dataplane.VersioningEnabled {
		if err := plane.SetVersioning(ctx, bucket, dataplane.VersioningEnabled); err != nil {
			return fmt.Errorf("add replication: %w", err)
		}
	}
	rules := append(b.Replication, dataplane.ReplicationRule{
		ID: "console-" + randomHex(4), Priority: len(b.Replication) + 1, Enabled: true,
		Destination: shorten(bucket) + "-copy-" + randomHex(4), DestinationRegion: toRegion,
	})
	if err := s.replicate(ctx, r, bucket, rules); err != nil {
		return fmt.Errorf("add replication: %w", err)
	}
	return nil
}

// shorten leaves room for an ending.
func shorten(name string) string {
	const room = 40
	if len(name) > room {
		return name[:room] + "0"
	}
	return name
}
