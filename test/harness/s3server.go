package harness

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/rempart/rempart/test/harness/toolbox"
)

// VersityOptions says how to run a versitygw; the zero value is a server with
// keys of its own over a temporary folder.
type VersityOptions struct {
	// Dir takes objects, users and the log. It is made if needed and kept by
	// Stop. Empty means a temporary folder that Stop removes.
	Dir string

	// AccessKey and SecretKey are the root user's. Empty means random ones.
	AccessKey, SecretKey string

	// Versioning lets buckets be versioned; which ones are is asked per bucket
	// through S3. Object lock needs it too.
	Versioning bool

	// TLS serves https, with a certificate of an authority of the server's own.
	TLS bool

	// Region is what the server calls itself; empty means "rempart-test".
	Region string

	// EventsURL is told of every object that changes; the server does not start
	// while nobody answers there. Empty tells nobody.
	EventsURL string

	// Output is told when the binary has to be built first. Nil means nobody.
	Output io.Writer
}

// S3Server is a running S3 server. Its fields are for reading.
type S3Server struct {
	Endpoint  string // URL without a path, such as http://127.0.0.1:40123
	AccessKey string // of the root user
	SecretKey string
	Region    string
	DataDir   string // one folder per bucket, one file per object
	PID       int    // for measuring what it costs
	CAFile    string // PEM of the authority behind https; empty with http

	dir         string
	eventsURL   string
	release     func()   // removes dir if it is a temporary one
	certificate []string // arguments that name it
	child       *process
	stopOnce    sync.Once
}

// StartVersity starts a versitygw over a folder and returns when it answers.
// The context bounds the start only; the server runs until Stop or until this
// process ends.
//
// versitygw keeps objects as files and so rewrites some keys and refuses
// others: "double//slash" becomes "double/slash", "./dot" becomes "dot", and
// "conf" cannot stand beside "conf/child".
func StartVersity(ctx context.Context, opts VersityOptions) (*S3Server, error) {
	s, err := newVersity(opts)
	if err != nil {
		return nil, fmt.Errorf("start an S3 server: %w", err)
	}
	if err := s.start(ctx, opts); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start an S3 server: %w", err)
	}
	return s, nil
}

func newVersity(opts VersityOptions) (*S3Server, error) {
	dir, release, err := stateDir(opts.Dir, "rempart-s3-")
	if err != nil {
		return nil, err
	}
	s := &S3Server{
		AccessKey: opts.AccessKey, SecretKey: opts.SecretKey, Region: opts.Region,
		DataDir: filepath.Join(dir, "data"), dir: dir, release: release, eventsURL: opts.EventsURL,
	}
	if s.AccessKey == "" {
		s.AccessKey = "root-" + strings.ToLower(rand.Text()[:12])
	}
	if s.SecretKey == "" {
		s.SecretKey = rand.Text()
	}
	if s.Region == "" {
		s.Region = "rempart-test"
	}
	return s, nil
}

// start keeps the metadata of objects in attributes of files, or in files beside
// them where the file system has no such attributes.
func (s *S3Server) start(ctx context.Context, opts VersityOptions) error {
	output := opts.Output
	if output == nil {
		output = io.Discard
	}
	binary, err := toolbox.Find(ctx, output, toolbox.VersityGW)
	if err != nil {
		return err
	}
	if opts.TLS {
		if err := s.certify(); err != nil {
			return err
		}
	}
	folders := versityFolders{versioning: opts.Versioning}
	err = s.listen(ctx, binary, folders)
	if err == nil || !strings.Contains(err.Error(), "xattr check failed") {
		return err
	}
	folders.sidecar = true
	return s.listen(ctx, binary, folders)
}

// certify makes a certificate for the server.
func (s *S3Server) certify() error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	cert, key, err := ca.issueFiles(s.dir, "s3", identity{name: "s3", hosts: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	s.certificate = []string{"--cert", cert, "--key", key}
	s.CAFile = filepath.Join(s.dir, "s3-ca.crt")
	return os.WriteFile(s.CAFile, ca.pem(), 0o600)
}

// versityFolders says which folders a server has beside the one for its data.
type versityFolders struct{ versioning, sidecar bool }

// posixArgs makes the folders and returns the arguments that name them.
func (s *S3Server) posixArgs(f versityFolders) ([]string, error) {
	folders := []string{s.DataDir, filepath.Join(s.dir, "iam")}
	args := []string{"posix"}
	if f.versioning {
		// versitygw refuses a folder of versions whose path begins with the
		// path of the data, even as a mere string.
		versions := filepath.Join(s.dir, "versions")
		folders = append(folders, versions)
		args = append(args, "--versioning-dir", versions)
	}
	if f.sidecar {
		metadata := filepath.Join(s.dir, "metadata")
		folders = append(folders, metadata)
		args = append(args, "--sidecar", metadata)
	}
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	return append(args, s.DataDir), nil
}

func (s *S3Server) listen(ctx context.Context, binary string, folders versityFolders) error {
	posix, err := s.posixArgs(folders)
	if err != nil {
		return err
	}
	_, err = onFreePorts(1, func(ports []int) (struct{}, error) {
		return struct{}{}, s.listenOn(ctx, binary, fmt.Sprintf("127.0.0.1:%d", ports[0]), posix)
	})
	return err
}

func (s *S3Server) listenOn(ctx context.Context, binary, address string, posix []string) error {
	// A path that only this server knows: another one that took the port would
	// answer it with an error, whoever its root user is.
	health := "/ready-" + strings.ToLower(rand.Text())
	// Not as arguments, which every user of the machine can list.
	env := []string{"ROOT_ACCESS_KEY_ID=" + s.AccessKey, "ROOT_SECRET_ACCESS_KEY=" + s.SecretKey}
	if s.eventsURL != "" {
		env = append(env, "VGW_EVENT_WEBHOOK_URL="+s.eventsURL)
	}
	child, err := startProcess(processSpec{
		name: string(toolbox.VersityGW), path: binary, dir: s.dir,
		args: slices.Concat(s.certificate, []string{
			"--port", address, "--region", s.Region, "--iam-dir", filepath.Join(s.dir, "iam"),
			"--health", health, "--keep-alive", "--quiet",
		}, posix),
		env: env,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	endpoint := "http://" + address
	if s.CAFile != "" {
		endpoint = "https://" + address
	}
	transport, err := s.transport()
	if err != nil {
		child.stop(0)
		return err
	}
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport}
	err = child.waitReady(ctx, func(ctx context.Context) error {
		return answersOK(ctx, client, endpoint+health)
	})
	if err != nil {
		child.stop(0)
		return err
	}
	s.child, s.PID, s.Endpoint = child, child.pid, endpoint
	return nil
}

// transport trusts the server's authority, if it has one.
func (s *S3Server) transport() (*http.Transport, error) {
	transport, err := minio.DefaultTransport(s.CAFile != "")
	if err != nil || s.CAFile == "" {
		return transport, err
	}
	bundle, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return transport, nil
}

// Host returns the endpoint without its scheme, as minio-go wants it.
func (s *S3Server) Host() string {
	_, host, _ := strings.Cut(s.Endpoint, "://")
	return host
}

// Client returns a client with the root user's keys.
func (s *S3Server) Client() (*minio.Client, error) {
	return s.ClientFor(s.AccessKey, s.SecretKey)
}

// ClientFor returns a client with some user's keys.
func (s *S3Server) ClientFor(accessKey, secretKey string) (*minio.Client, error) {
	transport, err := s.transport()
	if err != nil {
		return nil, err
	}
	return minio.New(s.Host(), &minio.Options{
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: s.Region,
		BucketLookup: minio.BucketLookupPath, Secure: s.CAFile != "", Transport: transport,
	})
}

// Err returns why the server has ended by itself, with the last lines of its
// log, or nil.
func (s *S3Server) Err() error {
	if s.child == nil || s.child.running() {
		return nil
	}
	return s.child.failure()
}

// Stop ends the server and removes its folder if it was a temporary one. It
// returns when the child is gone and may be called more than once.
func (s *S3Server) Stop() {
	s.stopOnce.Do(func() {
		if s.child != nil {
			s.child.stop(stopGrace)
		}
		s.release()
	})
}
