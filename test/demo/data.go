package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// file is one file to be stored.
type file struct {
	key  string
	size int64
	open func() (io.ReadCloser, error)
}

// Larger files that the demo makes when it is given no folder: pages as they come
// from a scanner.
const (
	scans    = 4
	scanSize = 24 << 20
)

// upload stores the files as an application does: it knows the Secret and
// nothing else.
func (d *demo) upload(ctx context.Context) error {
	looking := d.busy("looking through the folder")
	files, err := d.files()
	looking.done()
	if err != nil {
		return err
	}
	session, bucket, err := d.application(ctx)
	if err != nil {
		return err
	}
	var total int64
	for _, f := range files {
		total += f.size
	}
	bar := d.bar("storing", total)
	for _, f := range files {
		if err := store(ctx, session, bucket, f, bar.add); err != nil {
			bar.done()
			return fmt.Errorf("store %s: %w", f.key, err)
		}
	}
	bar.done()
	d.say("%d files, %s, were stored in the primary", len(files), humanBytes(total))
	return nil
}

// partSize is how much of a file is held at once, and sent in one request.
const partSize = 32 << 20

// store stores a file: in one request, or in parts when it is large.
func store(ctx context.Context, session provider.Session, bucket string, f file, moved func(int64)) error {
	content, err := f.open()
	if err != nil {
		return err
	}
	defer content.Close()
	ref := provider.Ref{Bucket: bucket, Key: f.key}
	attributes := provider.Attributes{
		ContentType: mime.TypeByExtension(path.Ext(f.key)), UserMetadata: map[string]string{"service": "etat-civil"},
	}
	if f.size <= partSize {
		part, err := next(content, f.size)
		if err != nil {
			return err
		}
		moved(f.size)
		_, err = session.Put(ctx, ref, part, attributes)
		return err
	}
	uploadID, err := session.StartUpload(ctx, ref, attributes)
	if err != nil {
		return err
	}
	var parts []provider.Part
	for offset := int64(0); offset < f.size; offset += partSize {
		part, err := next(content, min(partSize, f.size-offset))
		if err != nil {
			return err
		}
		stored, err := session.UploadPart(ctx, ref, uploadID, len(parts)+1, part)
		if err != nil {
			return err
		}
		moved(part.Size)
		parts = append(parts, stored)
	}
	_, err = session.CompleteUpload(ctx, ref, uploadID, parts)
	return err
}

// next reads the next bytes, to be sent with their digest.
func next(content io.Reader, size int64) (provider.Content, error) {
	read := make([]byte, size)
	if _, err := io.ReadFull(content, read); err != nil {
		return provider.Content{}, err
	}
	digest := sha256.Sum256(read)
	return provider.Content{Reader: bytes.NewReader(read), Size: size, SHA256: hex.EncodeToString(digest[:])}, nil
}

// application opens the primary with the key of the Secret.
func (d *demo) application(ctx context.Context) (provider.Session, string, error) {
	var published corev1.Secret
	if err := d.client.Get(ctx, client.ObjectKeyFromObject(dataset()), &published); err != nil {
		return nil, "", err
	}
	value := func(key string) string { return string(published.Data[key]) }
	session, err := s3.Driver{}.Open(provider.Place{
		Provider: "application", Location: "etat-civil", Endpoint: value("AWS_ENDPOINT_URL_S3"), Region: value("AWS_REGION"), Addressing: provider.PathStyle,
	}, provider.Credentials{
		provider.AccessKey: secret.New(value("AWS_ACCESS_KEY_ID")), provider.SecretKey: secret.New(value("AWS_SECRET_ACCESS_KEY")),
	})
	return session, value("BUCKET_NAME"), err
}

// files are those of the folder, or of this project with some larger ones.
func (d *demo) files() ([]file, error) {
	if d.data != "" {
		return folder(d.data)
	}
	root, err := toolbox.Root()
	if err != nil {
		return nil, err
	}
	files, err := folder(root)
	for i := range scans {
		files = append(files, file{
			key: fmt.Sprintf("numérisation/registre %d, naissances.tiff", 1900+i), size: scanSize,
			open: func() (io.ReadCloser, error) { return io.NopCloser(noise(byte(i))), nil },
		})
	}
	return files, err
}

// folder lists the files of a folder, those of Git left out.
func folder(root string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || name == filepath.Join(root, "bin")):
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		key, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		files = append(files, file{
			key: filepath.ToSlash(key), size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(name) },
		})
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there is no file in %s", root)
	}
	return files, err
}

// noise is content that does not compress, always the same for a seed.
func noise(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// awaitCopies asks for a run of every copy now, as the schedule would later, and
// waits until every copy holds every file.
func (d *demo) awaitCopies(ctx context.Context) error {
	session, name, err := d.application(ctx)
	if err != nil {
		return err
	}
	counting := d.busy("counting what the primary holds")
	objects, size, err := count(ctx, session, name)
	counting.done()
	if err != nil {
		return err
	}
	bucket := dataset()
	if err := d.client.Get(ctx, client.ObjectKeyFromObject(bucket), bucket); err != nil {
		return err
	}
	before := bucket.DeepCopy()
	bucket.SetAnnotations(map[string]string{v1alpha1.SyncRequestedAnnotation: time.Now().Format(time.RFC3339)})
	if err := d.client.Patch(ctx, bucket, client.MergeFrom(before)); err != nil {
		return err
	}
	started := time.Now()
	bar := d.bar("copying", size*int64(replicas))
	defer bar.done()
	if err := d.poll(ctx, "the copies", func() (string, bool, error) {
		copied := d.operator.bytesCopied(ctx)
		bar.set(copied)
		detail, done, err := d.copiesHold(ctx, objects)
		return fmt.Sprintf("%s; %d bytes were copied", detail, copied), done, err
	}); err != nil {
		return err
	}
	bar.done()
	d.say("each of the %d copies holds %d objects, %s, after %s", replicas, objects, humanBytes(size),
		time.Since(started).Round(100*time.Millisecond))
	return nil
}

// count counts the objects of a bucket and their bytes.
func count(ctx context.Context, session provider.Session, bucket string) (objects, size int64, err error) {
	for object, err := range provider.List(ctx, session, bucket, provider.ListOptions{}) {
		if err != nil {
			return 0, 0, err
		}
		objects++
		size += object.Size
	}
	return objects, size, nil
}

// replicas is how many copies the samples ask for besides the primary.
const replicas = 2

// bytesCopied is what the operator read to make copies, by its own metrics; what
// cannot be told is 0.
func (o *operator) bytesCopied(ctx context.Context) int64 {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.metrics+"/metrics", nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0
	}
	var read float64
	for _, series := range families["rempart_replication_read_bytes_total"].GetMetric() {
		read += series.GetCounter().GetValue()
	}
	return int64(read)
}

// copiesHold tells whether every replica holds that many objects and is ready.
func (d *demo) copiesHold(ctx context.Context, objects int64) (string, bool, error) {
	var replicas v1alpha1.BucketReplicaList
	if err := d.client.List(ctx, &replicas, client.InNamespace(dataset().Namespace)); err != nil {
		return "", false, err
	}
	var waiting []string
	for _, replica := range replicas.Items {
		isFull := replica.Status.Objects != nil && *replica.Status.Objects == objects
		isReady := meta.IsStatusConditionTrue(replica.Status.Conditions, v1alpha1.ConditionReady)
		if replica.Spec.Role == v1alpha1.RoleReplica && (!isFull || !isReady) {
			waiting = append(waiting, replica.Spec.PlaceReference.String())
		}
	}
	return "waiting for " + strings.Join(waiting, ", "), len(waiting) == 0, nil
}
