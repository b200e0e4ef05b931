package dataplane

import (
	"encoding/xml"
	"net/http"
	"slices"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	aclHeader = "X-Amz-Acl"

	allUsers  = "http://acs.amazonaws.com/groups/global/AllUsers"
	signedIn  = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
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

// document writes a canned list out.
func (a ACL) document(owner string) aclXML {
	d := aclXML{Xmlns: xmlNamespace, Owner: ownerXML{owner, owner}}
	d.Grants = append(d.Grants, grantXML{granteeXML{XSI: schemaXSI, Type: "CanonicalUser", ID: owner}, "FULL_CONTROL"})
	group := func(uri, permission string) {
		d.Grants = append(d.Grants, grantXML{granteeXML{XSI: schemaXSI, Type: "Group", URI: uri}, permission})
	}
	switch a {
	case PublicRead:
		group(allUsers, "READ")
	case PublicReadWrite:
		group(allUsers, "READ")
		group(allUsers, "WRITE")
	case AuthenticatedRead:
		group(signedIn, "READ")
	}
	return d
}

// canned finds the canned list that a document writes out. Others are more than is
// kept here, and refused rather than half kept.
func (d aclXML) canned(owner string) (ACL, error) {
	for _, acl := range []ACL{Private, PublicRead, PublicReadWrite, AuthenticatedRead} {
		same := slices.EqualFunc(acl.document(owner).Grants, d.Grants, func(a, b grantXML) bool {
			return a.Permission == b.Permission && a.Grantee.ID == b.Grantee.ID && a.Grantee.URI == b.Grantee.URI
		})
		if same {
			return acl, nil
		}
	}
	return "", s3error.NotImplemented("Access control lists other than the canned ones are not implemented")
}

// sentACL is the list of a request, from its header or its body.
func (c *call) sentACL(owner string) (ACL, error) {
	body, err := c.document()
	if err != nil {
		return "", err
	}
	if canned := ACL(c.take(aclHeader)); canned != "" || len(body) == 0 {
		if !canned.known() {
			return "", s3error.InvalidArgument("The canned ACL %q is not known", canned)
		}
		return canned, nil
	}
	var document aclXML
	if err := decodeXML(body, &document); err != nil {
		return "", err
	}
	return document.canned(owner)
}

func (c *call) putACL() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	acl, err := c.sentACL(b.Owner)
	if err != nil {
		return err
	}
	if err := c.Region.SetACL(c.bucket, acl); err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *call) getACL() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	return c.ok(b.ACL.document(b.Owner))
}

// wantObject refuses a request about an object that the backend does not have.
func (c *call) wantObject() error {
	query := c.forwardedQuery()
	query.Del("acl")
	return c.Region.backend.tell(c.ctx, message{
		method: http.MethodHead, bucket: c.bucket, key: c.key, query: query, header: http.Header{},
	})
}

// putObjectACL keeps one list for all versions of an object.
func (c *call) putObjectACL() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	acl, err := c.sentACL(b.Owner)
	if err != nil {
		return err
	}
	if err := c.wantObject(); err != nil {
		return missingObject(err)
	}
	err = c.Region.change(c.bucket, func(b *bucket) error {
		b.setACL(c.key, acl)
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
		document = b.acls[c.key].document(b.Owner)
		return nil
	})
	if err != nil {
		return err
	}
	return c.ok(document)
}

// setACL keeps the list of an object unless it is private. The caller holds the
// region's lock.
func (b *bucket) setACL(key string, acl ACL) {
	delete(b.acls, key)
	if !slices.Contains(ownerOnly, acl) {
		b.acls[key] = acl
	}
}
