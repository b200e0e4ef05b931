package ovh

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/policy"
)

// States of a consumer key.
const (
	Validated         = "validated"
	PendingValidation = "pendingValidation"
	Expired           = "expired"
	Refused           = "refused"
)

// consumer is a consumer key: what an application may do for an account.
type consumer struct {
	application string
	state       string
	rules       []AccessRule
	created     time.Time
}

// caller is who sent a request; the zero value is nobody.
type caller struct {
	consumer *consumer
	token    bool
}

// authenticate tells who asks. Calls that are open to everybody need nobody.
func (c *call) authenticate() error {
	if c.route.open {
		return nil
	}
	if token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer "); ok {
		return c.byToken(token)
	}
	if c.r.Header.Get("X-Ovh-Application") == "" || c.r.Header.Get("X-Ovh-Signature") == "" {
		return errNotLoggedIn()
	}
	return c.bySignature()
}

func (c *call) byToken(token string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	end, ok := c.tokens[token]
	if !ok || !c.now.Before(end) {
		return errInvalidToken()
	}
	c.who = caller{token: true}
	c.log.Note(func() { c.record.Auth = "token" })
	return nil
}

func (c *call) bySignature() error {
	h := c.r.Header
	key, stamp := h.Get("X-Ovh-Consumer"), h.Get("X-Ovh-Timestamp")
	c.mu.Lock()
	defer c.mu.Unlock()
	secret, ok := c.applications[h.Get("X-Ovh-Application")]
	if !ok {
		return errUnknownApplication()
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || c.now.Sub(time.Unix(seconds, 0)).Abs() > timestampWindow {
		return errOutOfTime()
	}
	known, ok := c.consumers[key]
	if !ok || known.application != h.Get("X-Ovh-Application") {
		return errUnknownConsumerKey()
	}
	want := signature(secret, key, c.r.Method, c.seenURL(), string(c.body), stamp)
	if subtle.ConstantTimeCompare([]byte(want), []byte(h.Get("X-Ovh-Signature"))) != 1 {
		return errInvalidSignature()
	}
	if known.state != Validated && !c.route.anyState {
		return errInvalidCredential()
	}
	seen := *known // whoever changes it later holds the lock, and a call goes on without
	c.who = caller{consumer: &seen}
	c.log.Note(func() { c.record.Auth = "application" })
	return nil
}

// signature is the vendor's: version 1, over everything that was sent.
func signature(secret, consumerKey, method, url, body, stamp string) string {
	sum := sha1.Sum([]byte(strings.Join([]string{secret, consumerKey, method, url, body, stamp}, "+")))
	return "$1$" + hex.EncodeToString(sum[:])
}

// seenURL is the URL as the client saw it: what Transport has routed here was sent
// to another host, by https.
func (c *call) seenURL() string {
	scheme := "http"
	if c.r.Header.Get(forwardedProto) == "https" {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host + c.r.RequestURI
}

// authorize holds the call against the key's rules, or the service account's
// policy.
func (c *call) authorize() error {
	switch {
	case c.route.open, c.route.ungranted:
		return nil
	case c.who.token:
		allowed := func(pattern string) bool { return policy.Matches(pattern, c.route.action) }
		if c.options.Actions != nil && c.route.action != "" && !slices.ContainsFunc(c.options.Actions, allowed) {
			return errNotAllowedByIAM(c.route.action)
		}
		return nil
	}
	for _, rule := range c.who.consumer.rules {
		if rule.Method == c.r.Method && policy.Matches(rule.Path, c.path) {
			return nil
		}
	}
	return errNotGranted()
}

// authTime is a bare number: clients set their clocks by it.
func authTime(c *call) (any, error) { return c.now.Unix(), nil }

// account is the handle of whoever owns the project.
const account = "ab12345-ovh"

func authDetails(c *call) (any, error) {
	method := "account"
	if c.who.token {
		method = "application"
	}
	return map[string]any{
		"account":       account,
		"method":        method,
		"description":   nil,
		"user":          nil,
		"roles":         []string{},
		"identities":    []string{"urn:v1:eu:identity:account:" + account},
		"allowedRoutes": c.rules(),
	}, nil
}

func (c *call) rules() []AccessRule {
	if c.who.consumer == nil {
		return []AccessRule{}
	}
	return c.who.consumer.rules
}

func currentCredential(c *call) (any, error) {
	if c.who.consumer == nil {
		return nil, errNotGranted()
	}
	return map[string]any{
		"credentialId":  1,
		"applicationId": 1,
		"status":        c.who.consumer.state,
		"rules":         c.who.consumer.rules,
		"creation":      c.who.consumer.created.Format(time.RFC3339),
		"expiration":    nil,
		"lastUse":       c.now.Format(time.RFC3339),
		"ovhSupport":    false,
		"allowedIPs":    nil,
	}, nil
}

// requestCredential makes a consumer key that waits for the account's owner.
func requestCredential(c *call) (any, error) {
	var asked struct {
		AccessRules []AccessRule `json:"accessRules"`
		Redirection string       `json:"redirection"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	application := c.r.Header.Get("X-Ovh-Application")
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.applications[application]; !ok {
		return nil, errUnknownApplication()
	}
	if len(asked.AccessRules) == 0 {
		return nil, errInvalidParameter("accessRules is missing")
	}
	key := randomHex(16)
	c.consumers[key] = &consumer{application: application, state: PendingValidation, rules: asked.AccessRules, created: c.now}
	return map[string]any{
		"consumerKey":   key,
		"state":         PendingValidation,
		"validationUrl": fmt.Sprintf("http://%s/auth/?credentialToken=%s", c.host, randomHex(32)),
	}, nil
}

func me(*call) (any, error) {
	return map[string]any{
		"nichandle": account, "country": "FR", "ovhSubsidiary": "FR", "legalform": "administration", "state": "complete",
		"organisation": "Emulated authority", "email": "dsi@example.invalid", "customerCode": "0000-0000-00",
		"currency": map[string]any{"code": "EUR", "symbol": "€"},
	}, nil
}
