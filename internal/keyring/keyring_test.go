package keyring_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/keyring"
)

const namespace = "rempart-system"

func ring(cluster client.Client) keyring.Keyring {
	return keyring.Keyring{Reader: cluster, Writer: cluster, Namespace: namespace}
}

func secret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: keyring.SecretName}, Data: data}
}

// encoded gives a new key with its text.
func encoded(t *testing.T) (ed25519.PrivateKey, []byte) {
	t.Helper()
	key, err := evidence.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := evidence.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

// published gives the ids of the keys that everybody knows, each read from its entry.
func published(t *testing.T, cluster client.Client) []string {
	t.Helper()
	var known corev1.ConfigMap
	if err := cluster.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: keyring.ConfigMapName}, &known); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, entry := range slices.Sorted(maps.Keys(known.Data)) {
		keys, err := evidence.ParsePublicKeys([]byte(known.Data[entry]))
		if err != nil || len(keys) != 1 {
			t.Fatalf("%s holds %d keys: %v", entry, len(keys), err)
		}
		if id := evidence.KeyID(keys[0]); entry != id+".pem" {
			t.Errorf("the key %s is called %s", id, entry)
		}
		ids = append(ids, evidence.KeyID(keys[0]))
	}
	return ids
}

func idOf(key ed25519.PrivateKey) string { return evidence.KeyID(key.Public().(ed25519.PublicKey)) }

func TestAKeyIsMadeOnceAndPublished(t *testing.T) {
	cluster := fake.NewClientBuilder().Build()
	first, err := ring(cluster).Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := ring(cluster).Key(t.Context())
	if err != nil || !again.Equal(first) {
		t.Errorf("another key is given: %v", err)
	}
	if diff := cmp.Diff([]string{idOf(first)}, published(t, cluster)); diff != "" {
		t.Error(diff)
	}
	var known corev1.ConfigMap
	if err := cluster.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: keyring.ConfigMapName}, &known); err != nil {
		t.Fatal(err)
	}
	for entry, text := range known.Data {
		if strings.Contains(text, "PRIVATE") {
			t.Errorf("%s holds more than a public key", entry)
		}
	}
}

func TestAKeyThatIsGivenIsTaken(t *testing.T) {
	want, text := encoded(t)
	cluster := fake.NewClientBuilder().WithObjects(secret(map[string][]byte{keyring.PrivateKey: text})).Build()
	got, err := ring(cluster).Key(t.Context())
	if err != nil || !got.Equal(want) {
		t.Errorf("another key is given: %v", err)
	}
}

func TestAKeyIsChangedByReplacingIt(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, cluster client.Client){
		"by another": func(t *testing.T, cluster client.Client) {
			t.Helper()
			_, text := encoded(t)
			if err := cluster.Update(t.Context(), secret(map[string][]byte{keyring.PrivateKey: text})); err != nil {
				t.Fatal(err)
			}
		},
		"by deleting it": func(t *testing.T, cluster client.Client) {
			t.Helper()
			if err := cluster.Delete(t.Context(), secret(nil)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := fake.NewClientBuilder().Build()
			before, err := ring(cluster).Key(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			change(t, cluster)
			after, err := ring(cluster).Key(t.Context())
			if err != nil || after.Equal(before) {
				t.Fatalf("the key is the same, %v", err)
			}
			want := []string{idOf(before), idOf(after)}
			slices.Sort(want)
			if diff := cmp.Diff(want, published(t, cluster)); diff != "" {
				t.Errorf("keys that are known: %s", diff)
			}
		})
	}
}

func TestASecretThatHoldsNoKeyIsSaidAndKept(t *testing.T) {
	_, good := encoded(t)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		text []byte
		says string
	}{
		"nothing":                {nil, "not in PEM"},
		"a password":             {[]byte("motdepasse-secret"), "not in PEM"},
		"a key of another kind":  {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "of another kind"},
		"a key in another form":  {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), "no PRIVATE KEY"},
		"a damaged key":          {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("motdepasse")}), "no key in PKCS #8"},
		"two keys, of which one": {slices.Concat(good, good), "something follows"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := fake.NewClientBuilder().WithObjects(secret(map[string][]byte{keyring.PrivateKey: test.text})).Build()
			_, err := ring(cluster).Key(t.Context())
			if !fault.HasReason(err, fault.SigningKeyInvalid) || fault.Of(err).Class != fault.Waiting || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("the error is %v, want %q in it", err, test.says)
			}
			if where := namespace + "/" + keyring.SecretName + ", " + keyring.PrivateKey; !strings.Contains(err.Error(), where) {
				t.Errorf("it does not say where: %v", err)
			}
			if strings.Contains(err.Error(), "motdepasse") {
				t.Errorf("it tells what the Secret holds: %v", err)
			}
			var kept corev1.Secret
			if err := cluster.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: keyring.SecretName}, &kept); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(kept.Data[keyring.PrivateKey], test.text) {
				t.Error("it was overwritten")
			}
		})
	}
}

// A key whose public key nobody can fetch signs nothing.
func TestAKeyThatCannotBePublishedIsNotGiven(t *testing.T) {
	cluster := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if _, isConfigMap := object.(*corev1.ConfigMap); isConfigMap {
				return context.DeadlineExceeded
			}
			return c.Create(ctx, object, options...)
		},
	}).Build()
	if key, err := ring(cluster).Key(t.Context()); err == nil || key != nil {
		t.Error("a key is given that was not published")
	}
}

// Two that need a key at once end with the same one.
func TestWhoeverMakesTheKeyFirstWins(t *testing.T) {
	want, text := encoded(t)
	cluster := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if _, isSecret := object.(*corev1.Secret); isSecret {
				if err := c.Create(ctx, secret(map[string][]byte{keyring.PrivateKey: text})); err != nil {
					return err
				}
			}
			return c.Create(ctx, object, options...)
		},
	}).Build()
	if got, err := ring(cluster).Key(t.Context()); err != nil || !got.Equal(want) {
		t.Errorf("another key than the first is given: %v", err)
	}
}
