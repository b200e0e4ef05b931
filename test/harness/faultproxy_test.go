package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// startRecorder is an upstream that keeps the bytes of each request's head.
func startRecorder(t *testing.T) (endpoint string, heads <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	received := make(chan string, 16)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var head strings.Builder
			for reader := bufio.NewReader(conn); ; {
				line, err := reader.ReadString('\n')
				head.WriteString(line)
				if err != nil || line == "\r\n" {
					break
				}
			}
			received <- head.String()
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			conn.Close()
		}
	}()
	return "http://" + listener.Addr().String(), received
}

// sendRaw writes one request the way no well-bred client would.
func sendRaw(t *testing.T, host, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestPathArrivesByteForByte(t *testing.T) {
	t.Parallel()
	endpoint, heads := startRecorder(t)
	proxy := Proxy(t, endpoint)
	targets := []string{
		"/", "/bucket/key", "/bucket//double//slash", "/bucket/./dot/../dots", "/bucket/trailing/",
		"/bucket/a%2Fb%2fc", "/bucket/%2E%2e/x", "/bucket/sp%20ace+plus%2B", "/bucket/h%C3%A9h%c3%a9", "/bucket/100%25",
		"/bucket/quote\"pipe|brace{}", "/bucket/k;v=1,2:3@x!$&'()*", "/bucket/~tilde%7Etilde", "/bucket/%00nul",
		"//bucket-less//key", "//lead%2Fing/./x", "/bucket/key?", "/bucket?versions&prefix=a%2Fb&empty=",
		"/bucket/key?x=a;b&y=%zz&&", "/bucket/key?a=b?c=d", "/?list-type=2",
	}
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			resp := sendRaw(t, proxy.Host(), "PUT "+target+" HTTP/1.1\r\nHost: bucket.s3.example.test:9000\r\nContent-Length: 0\r\n\r\n")
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("answer is %s", resp.Status)
			}
			head := <-heads
			if got, _, _ := strings.Cut(head, "\r\n"); got != "PUT "+target+" HTTP/1.1" {
				t.Errorf("request line is %q", got)
			}
			if !strings.Contains(head, "\r\nHost: bucket.s3.example.test:9000\r\n") {
				t.Errorf("host is not kept in %q", head)
			}
		})
	}
}

func TestPathThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	endpoint, _ := startRecorder(t)
	resp := sendRaw(t, Proxy(t, endpoint).Host(), "GET //a|b HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("answer is %s", resp.Status)
	}
}

func TestNoHeaderIsAdded(t *testing.T) {
	t.Parallel()
	endpoint, heads := startRecorder(t)
	proxy := Proxy(t, endpoint)
	sendRaw(t, proxy.Host(), "GET /bucket/key HTTP/1.1\r\nHost: x\r\nX-Amz-Date: now\r\n\r\n")
	want := "GET /bucket/key HTTP/1.1\r\nHost: x\r\nX-Amz-Date: now\r\n\r\n"
	if diff := cmp.Diff(want, <-heads); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSignaturesVerify sends keys through to a server that checks them.
func TestSignaturesVerify(t *testing.T) {
	t.Parallel()
	server := Versity(t)
	proxy := Proxy(t, server.Endpoint)
	client, err := minio.New(proxy.Host(), &minio.Options{
		Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, ""), Region: server.Region, BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		t.Fatal(err)
	}
	bucket := makeBucket(t, client)
	for _, key := range []string{"plain", "sp ace", "plus+", "per%cent", "a%2Fb", "hé", "日本", "q?u=e&r", "semi;colon", "#hash", "~", "a//b", "./dot"} {
		if err := put(t.Context(), client, bucket, key, key); err != nil {
			t.Errorf("put %q: %v", key, err)
			continue
		}
		if got, err := get(t.Context(), client, bucket, key); got != key || err != nil {
			t.Errorf("get %q: %q, %v", key, got, err)
		}
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than one part
	options := minio.PutObjectOptions{PartSize: 5 << 20}
	if _, err := client.PutObject(t.Context(), bucket, "big", bytes.NewReader(big), int64(len(big)), options); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t.Context(), client, bucket, "big"); got != string(big) || err != nil {
		t.Errorf("a large object comes back with %d bytes, %v", len(got), err)
	}
}

func TestProxyNeedsAWholeEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "127.0.0.1:9000", "http://127.0.0.1:9000/path", "://"} {
		if proxy, err := StartFaultProxy(endpoint); err == nil {
			proxy.Stop()
			t.Errorf("%q is taken for an endpoint", endpoint)
		}
	}
}

func TestStoppedProxyRefusesConnections(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "fine", time.Now())
	proxy, err := StartFaultProxy(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Stop()
	_, _, err = fetch(t.Context(), newHTTPClient(t), proxy.Endpoint())
	if _, refused := errors.AsType[*url.Error](err); !refused {
		t.Errorf("error is %v", err)
	}
}
