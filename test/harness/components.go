package harness

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rempart/rempart/test/harness/toolbox"
)

// store is how an API server reaches its etcd.
type store struct{ url, caFile, certFile, keyFile string }

// startEtcd serves over TLS with our own authority, not for secrecy alone: if
// another process's etcd got our port, its certificate would not verify, and
// no API server could end up on somebody else's store.
func (c *ControlPlane) startEtcd(ctx context.Context) (store, error) {
	certFile, keyFile, err := c.authority.issueFiles(c.dir, "etcd", identity{name: "etcd", hosts: []string{"127.0.0.1"}})
	if err != nil {
		return store{}, err
	}
	caFile := filepath.Join(c.dir, "ca.crt")
	if err := os.WriteFile(caFile, c.authority.pem(), 0o600); err != nil {
		return store{}, fmt.Errorf("keep the authority's certificate: %w", err)
	}
	probe, err := c.probe(certFile, keyFile)
	if err != nil {
		return store{}, err
	}
	return onFreePorts(2, func(ports []int) (store, error) {
		client, peer := fmt.Sprintf("https://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
		args := []string{
			"--data-dir=" + filepath.Join(c.dir, "etcd"),
			// A crash of the machine may lose everything, and nobody minds.
			"--unsafe-no-fsync",
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
			"--initial-cluster=default=" + peer,
			// The only member waits this long for others before it elects itself.
			"--heartbeat-interval=20", "--election-timeout=200",
			"--cert-file=" + certFile, "--key-file=" + keyFile,
			"--trusted-ca-file=" + caFile, "--client-cert-auth",
			"--log-level=warn",
		}
		err := c.launch(ctx, toolbox.Etcd, args, func(ctx context.Context) error { return probe(ctx, client+"/readyz") })
		return store{url: client, caFile: caFile, certFile: certFile, keyFile: keyFile}, err
	})
}

// startAPIServer leaves c.admin set, which works from then on.
func (c *ControlPlane) startAPIServer(ctx context.Context, s store, withControllers bool) error {
	serving := identity{name: "kube-apiserver", hosts: []string{
		"127.0.0.1", "::1", "localhost", "10.0.0.1",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}}
	certFile, keyFile, err := c.authority.issueFiles(c.dir, "apiserver", serving)
	if err != nil {
		return err
	}
	tokenKey, err := c.writeTokenKey()
	if err != nil {
		return err
	}
	admin, err := c.authority.issue(identity{name: "rempart-harness-admin", groups: []string{"system:masters"}})
	if err != nil {
		return err
	}
	_, err = onFreePorts(1, func(ports []int) (struct{}, error) {
		c.admin = c.clientConfig(fmt.Sprintf("https://127.0.0.1:%d", ports[0]), admin)
		args := append(apiServerArgs(s, tokenKey),
			"--secure-port="+strconv.Itoa(ports[0]), "--tls-cert-file="+certFile, "--tls-private-key-file="+keyFile)
		if !withControllers {
			// It refuses every pod until a controller has made the namespace's
			// service account.
			args = append(args, "--disable-admission-plugins=ServiceAccount")
		}
		return struct{}{}, c.launch(ctx, toolbox.KubeAPIServer, args, c.apiServerReady)
	})
	return err
}

func apiServerArgs(s store, tokenKey string) []string {
	return []string{
		"--bind-address=127.0.0.1",
		// An offline machine has no other address to advertise, and endpoints
		// may not be loopback ones, so none are written.
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--etcd-servers=" + s.url, "--etcd-cafile=" + s.caFile,
		"--etcd-certfile=" + s.certFile, "--etcd-keyfile=" + s.keyFile,
		"--client-ca-file=" + s.caFile,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + tokenKey, "--service-account-signing-key-file=" + tokenKey,
		"--allow-privileged=true", "--profiling=false",
	}
}

// writeTokenKey makes the key that signs service account tokens, or keeps the
// one of an earlier start, so that tokens stay valid across it.
func (c *ControlPlane) writeTokenKey() (string, error) {
	path := filepath.Join(c.dir, "service-account.key")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make the service account key: %w", err)
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return "", fmt.Errorf("encode the service account key: %w", err)
	}
	if err := os.WriteFile(path, encoded, 0o600); err != nil {
		return "", fmt.Errorf("keep the service account key: %w", err)
	}
	return path, nil
}

func (c *ControlPlane) apiServerReady(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// controllers are those that tests of an operator lean on. The others need
// nodes, volumes or a cloud, and would only take processor time.
func controllers() []string {
	return []string{
		"garbage-collector-controller", "namespace-controller", "clusterrole-aggregation-controller",
		"serviceaccount-controller", "serviceaccount-token-controller", "root-ca-certificate-publisher-controller",
		"job-controller", "cronjob-controller", "ttl-after-finished-controller",
		"validatingadmissionpolicy-status-controller",
	}
}

func (c *ControlPlane) startControllerManager(ctx context.Context) error {
	kubeconfig := filepath.Join(c.dir, "controller-manager.kubeconfig")
	if err := writeKubeconfig(kubeconfig, c.User("system:kube-controller-manager")); err != nil {
		return err
	}
	args := []string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + strings.Join(controllers(), ","),
		"--leader-elect=false",
		"--secure-port=0", // nobody asks it for its health, and a port could be taken
		// Each controller with its own rights, as in a real cluster: the
		// manager's own user could not delete what it collects.
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + filepath.Join(c.dir, "service-account.key"),
		"--root-ca-file=" + filepath.Join(c.dir, "ca.crt"),
		"--kube-api-qps=1000", "--kube-api-burst=2000",
		"--profiling=false",
	}
	return c.launch(ctx, toolbox.KubeControllerManager, args, c.controllersWork)
}

// controllersWork looks for the first thing that working controllers make, and
// that every pod needs.
func (c *ControlPlane) controllersWork(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}

// probe returns a check that an address answers 200 to a client of the
// authority.
func (c *ControlPlane) probe(certFile, keyFile string) (func(ctx context.Context, url string) error, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load the probe's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.authority.cert)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		DisableKeepAlives: true,
	}}
	return func(ctx context.Context, url string) error { return answersOK(ctx, client, url) }, nil
}

func answersOK(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 512)) // explains a refusal; it may be empty
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", url, resp.Status, body)
	}
	return nil
}
