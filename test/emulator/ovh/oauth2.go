package ovh

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// tokenPath is the path of the vendor's token endpoint, on a host of its own.
const tokenPath = "/auth/oauth2/token"

// tokenLife is what the vendor gives, in seconds.
const tokenLife = 3599

// oauth2Token is the client credentials grant. It is no call of the API: it takes a
// form and answers errors as RFC 6749 says.
func oauth2Token(c *call) (any, error) {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil, &oauth2Error{http.StatusBadRequest, "invalid_request"}
	}
	id, secret, ok := c.r.BasicAuth()
	if !ok {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if form.Get("grant_type") != "client_credentials" {
		return nil, &oauth2Error{http.StatusBadRequest, "unsupported_grant_type"}
	}
	if id != c.ClientID || secret != c.ClientSecret {
		return nil, &oauth2Error{http.StatusUnauthorized, "invalid_client"}
	}
	return map[string]any{
		"access_token": c.IssueToken(), "token_type": "Bearer", "expires_in": tokenLife, "scope": "all",
	}, nil
}

// oauth2Error is an answer of the token endpoint.
type oauth2Error struct {
	status int
	code   string
}

func (e *oauth2Error) Error() string { return e.code }

// IssueToken returns an access token of the service account.
func (s *Server) IssueToken() string {
	token := "eyJ" + randomHex(48)
	end := s.now().Add(tokenLife * time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = end
	return token
}

// ExpireTokens ends every access token there is.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.tokens {
		s.tokens[token] = time.Time{}
	}
}

// forwardedProto tells the scheme that the client used.
const forwardedProto = "X-Forwarded-Proto"

// vendorHosts are the hosts of the vendor's API and of its token endpoints that
// go-ovh has built in.
func vendorHosts() []string {
	return []string{"eu.api.ovh.com", "ca.api.ovh.com", "api.us.ovhcloud.com", "www.ovh.com", "ca.ovh.com", "us.ovhcloud.com"}
}

// Transport sends what is meant for the vendor's hosts to this server and lets
// what is meant for this machine pass. Everything else is an error: no test leaves
// the machine by mistake.
func (s *Server) Transport() http.RoundTripper {
	// One of its own: a test may put what is returned in the default one's place.
	return &transport{server: s, wire: &http.Transport{DisableKeepAlives: true}}
}

type transport struct {
	server *Server
	wire   http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Hostname()
	if host == "127.0.0.1" || host == "localhost" {
		return t.wire.RoundTrip(r)
	}
	for _, vendor := range vendorHosts() {
		if host != vendor {
			continue
		}
		routed := r.Clone(r.Context())
		routed.Host = r.URL.Host
		routed.Header.Set(forwardedProto, r.URL.Scheme)
		routed.URL.Scheme, routed.URL.Host = "http", t.server.host
		return t.wire.RoundTrip(routed)
	}
	return nil, errors.New("the emulator's transport reaches no host " + host)
}
