package dataplane

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const maxDeletes = 1000

type deleteXML struct {
	XMLName xml.Name           `xml:"Delete"`
	Xmlns   string             `xml:"xmlns,attr,omitempty"`
	Quiet   bool               `xml:",omitempty"`
	Objects []deletedObjectXML `xml:"Object"`
}

type deletedObjectXML struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
}

// deleteObjects asks for every key on its own, and passes on the rest of the
// document when some are refused.
func (c *call) deleteObjects() error {
	body, err := c.document()
	if err != nil {
		return err
	}
	var wanted deleteXML
	if err := s3api.Decode(body, &wanted); err != nil {
		return err
	}
	if len(wanted.Objects) == 0 || len(wanted.Objects) > maxDeletes {
		return s3error.ErrMalformedXML
	}
	var allowed, denied []deletedObjectXML
	for _, object := range wanted.Objects {
		action := "s3:DeleteObject"
		if object.VersionID != "" {
			action = versionActions[action]
		}
		if c.require(action, c.bucket, object.Key) != nil {
			denied = append(denied, object)
			continue
		}
		// One wish stands for all keys, so nobody has it who may not for one.
		c.mayBypass(object.Key)
		allowed = append(allowed, object)
	}
	if len(denied) == 0 {
		return c.passDocument(body, nil)
	}
	wanted.Objects = allowed
	if body, err = xml.Marshal(wanted); err != nil {
		return err
	}
	return c.passDocument(body, denied)
}

// passDocument passes on a document of deletions, and adds the refused ones to the
// answer.
func (c *call) passDocument(body []byte, denied []deletedObjectXML) error {
	refusals, err := refusedDeletions(denied)
	if err != nil {
		return err
	}
	if len(denied) > 0 {
		c.describe(body)
	}
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/xml"}}}
	text := []byte(xml.Header + `<DeleteResult xmlns="` + s3api.Namespace + `"></DeleteResult>`)
	if bytes.Contains(body, []byte("<Object>")) {
		if res, err = c.askWith(documentOf(body)); err != nil || !succeeded(res) {
			return c.relayUnless(err, res)
		}
		if text, err = c.read(res); err != nil {
			return err
		}
	}
	replaceBody(res, strings.Replace(string(text), "</DeleteResult>", refusals+"</DeleteResult>", 1))
	return c.relay(res)
}

// describe gives a changed document the digest that goes with it.
func (c *call) describe(body []byte) {
	for name := range c.r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || strings.HasPrefix(name, "X-Amz-Sdk-Checksum-") {
			c.r.Header.Del(name)
		}
	}
	sum := md5.Sum(body)
	c.r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
}

func refusedDeletions(denied []deletedObjectXML) (string, error) {
	var out strings.Builder
	for _, object := range denied {
		text, err := xml.Marshal(struct {
			XMLName struct{} `xml:"Error"`
			deletedObjectXML
			Code    string
			Message string
		}{deletedObjectXML: object, Code: s3error.ErrAccessDenied.Code, Message: s3error.ErrAccessDenied.Message})
		if err != nil {
			return "", err
		}
		out.Write(text)
	}
	return out.String(), nil
}
