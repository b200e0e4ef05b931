package s3

import "github.com/rempart/rempart/test/emulator/sigv4"

// authenticate verifies the signature and sets who sends the request. A
// request without any is anonymous.
func (c *call) authenticate() error {
	sig, err := sigv4.Parse(c.r)
	if err != nil || sig == nil {
		return err
	}
	var known credential
	chunks, err := sig.Verify(c.r, sigv4.Check{
		Now: c.now, Region: c.Region, AnyFirstRegion: c.op.Name == "GetBucketLocation",
		Secret: func(accessKey string) (string, bool) {
			c.mu.RLock()
			defer c.mu.RUnlock()
			var ok bool
			if known, ok = c.credentials[accessKey]; ok {
				c.log.Note(func() { c.record.AccessKey = accessKey })
			}
			return known.secret, ok
		},
	})
	if err != nil {
		return err
	}
	c.who, c.chunks = known.who, chunks
	return nil
}
