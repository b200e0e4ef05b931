package dataplane

import (
	"encoding/xml"
	"net/http"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	aclHeader = "X-Amz-Acl"

	schemaXSI = "http://www.w3.org/2001/XMLSchema-instance"
)

type granteeXML struct {
	XSI  string `xml:"xmlns:xsi,attr,omitempty"`
	Type string `xml:"xsi:type,attr,omitempty"`
	ID   string `xml:",omitempty"`
	URI  string `xml:",omitempty"`
}

type grantXML struct {
	Grantee    granteeXML
	Permission string
}

type aclXML struct {
	XMLName xml.Name   `xml:"AccessControlPolicy"`
	Xmlns   string     `xml:"xmlns,attr,omitempty"`
	Owner   ownerXML   `xml:"Owner"`
	Grants  []grantXML `xml:"AccessControlList>Grant"`
}

// aclDocument writes a list out.
func aclDocument(owner string, grants []Grant) aclXML {
	d := aclXML{Xmlns: s3api.Namespace, Owner: ownerXML{owner, owner}}
	for _, g := range append([]Grant{{Identity: owner, Permission: "FULL_CONTROL"}}, grants...) {
		grantee := granteeXML{XSI: schemaXSI, Type: "CanonicalUser", ID: g.Identity}
		if g.Group != "" {
			grantee = granteeXML{XSI: schemaXSI, Type: "Group", URI: string(g.Group)}
		}
		d.Grants = append(d.Grants, grantXML{grantee, g.Permission})
	}
	return d
}

// grants reads a list, without the full control that the owner has in any case.
func (d aclXML) grants(owner string) []Grant {
	var grants []Grant
	for _, g := range d.Grants {
		grant := Grant{Identity: g.Grantee.ID, Group: Group(g.Grantee.URI), Permission: g.Permission}
		if grant.Identity != owner || owner == "" {
			grants = append(grants, grant)
		}
	}
	return grants
}

// sentGrants is the list of a request, from its header or its body.
func (c *call) sentGrants(owner string) ([]Grant, error) {
	if err := c.refuseHeaders(); err != nil {
		return nil, err
	}
	body, err := c.document()
	if err != nil {
		return nil, err
	}
	if canned := ACL(c.take(aclHeader)); canned != "" || len(body) == 0 {
		if !canned.known() {
			return nil, errUnknownACL(canned)
		}
		return canned.Grants(), nil
	}
	var document aclXML
	if err := s3api.Decode(body, &document); err != nil {
		return nil, err
	}
	return document.grants(owner), checkGrants(document.grants(owner))
}

func errUnknownACL(a ACL) error {
	return s3error.InvalidArgument("The canned ACL %q is not known", a)
}

func (c *call) putACL() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	grants, err := c.sentGrants(b.Owner)
	if err != nil {
		return err
	}
	if err := c.Region.SetGrants(c.bucket, grants); err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *call) getACL() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	return c.ok(aclDocument(b.Owner, b.Grants))
}

// wantObject refuses a request about an object that the backend does not have.
func (c *call) wantObject() error {
	query := c.forwardedQuery()
	query.Del("acl")
	return c.Region.backend.tell(c.r.Context(), message{
		method: http.MethodHead, bucket: c.bucket, key: c.key, query: query, header: http.Header{},
	})
}

// putObjectACL keeps one list for all versions of an object.
func (c *call) putObjectACL() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	grants, err := c.sentGrants(b.Owner)
	if err != nil {
		return err
	}
	if err := c.wantObject(); err != nil {
		return missingObject(err)
	}
	err = c.Region.change(c.bucket, func(b *bucket) error {
		b.setGrants(c.key, grants)
		return nil
	})
	if err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *call) getObjectACL() error {
	if err := c.wantObject(); err != nil {
		return missingObject(err)
	}
	var document aclXML
	err := c.Region.change(c.bucket, func(b *bucket) error {
		document = aclDocument(b.Owner, b.grants[c.key])
		return nil
	})
	if err != nil {
		return err
	}
	return c.ok(document)
}

// setGrants keeps the list of an object, unless it grants nothing. The caller holds
// the region's lock.
func (b *bucket) setGrants(key string, grants []Grant) {
	delete(b.grants, key)
	if len(grants) > 0 {
		b.grants[key] = grants
	}
}
