package harness

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/rempart/rempart/test/harness/toolbox"
)

// MinIO starts a MinIO server for one test, over one temporary folder and with a
// key store, so that it can encrypt. It is a peer that drivers are held against,
// and nothing may need it: its licence is the AGPL, so it runs as a program of its
// own, and the module that builds it is built by those alone who ask for it.
func MinIO(t testing.TB) *S3Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	server, err := startMinIO(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		logCrash(t, server.Err())
		server.Stop()
	})
	return server
}

func startMinIO(ctx context.Context) (*S3Server, error) {
	binary, err := toolbox.Find(ctx, os.Stderr, toolbox.MinIO)
	if err != nil {
		return nil, err
	}
	s, err := newVersity(VersityOptions{})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return nil, err
	}
	_, err = onFreePorts(1, func(ports []int) (struct{}, error) {
		return struct{}{}, s.listenAsMinIO(ctx, binary, fmt.Sprintf("127.0.0.1:%d", ports[0]))
	})
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("start MinIO: %w", err)
	}
	return s, nil
}

func (s *S3Server) listenAsMinIO(ctx context.Context, binary, address string) error {
	var key [32]byte
	_, _ = rand.Read(key[:]) // it never fails
	child, err := startProcess(processSpec{
		name: string(toolbox.MinIO), path: binary, dir: s.dir,
		args: []string{"server", "--quiet", "--anonymous", "--address", address, s.DataDir},
		env: []string{
			"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey, "MINIO_SITE_REGION=" + s.Region,
			"MINIO_KMS_SECRET_KEY=test:" + base64.StdEncoding.EncodeToString(key[:]),
			"MINIO_BROWSER=off", "MINIO_UPDATE=off",
		},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	err = child.waitReady(ctx, func(ctx context.Context) error {
		return answersOK(ctx, client, "http://"+address+"/minio/health/ready")
	})
	if err != nil {
		child.stop(0)
		return err
	}
	s.child, s.PID, s.Endpoint = child, child.pid, "http://"+address
	return nil
}
