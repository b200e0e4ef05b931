package s3

import "testing"

// TestStoredObjectsAreNeverChangedInPlace guards what lets a GET send a body
// outside the lock.
func TestStoredObjectsAreNeverChangedInPlace(t *testing.T) {
	srv := New(Options{})
	srv.PutObjectDirect("b", Object{Key: "k", Body: []byte("content")})
	stored := srv.buckets["b"].find("k", "")
	if err := srv.Corrupt("b", "k", func(o *Object) { o.Body[0] = 'C' }); err != nil {
		t.Fatal(err)
	}
	if string(stored.Body) != "content" {
		t.Errorf("a reader in progress sees %q", stored.Body)
	}
	handed, _ := srv.Object("b", "k")
	handed.Body[0] = 'X'
	if o, _ := srv.Object("b", "k"); string(o.Body) != "Content" {
		t.Errorf("a copy handed out changed the store: %q", o.Body)
	}
}

func TestDeletedGeneratedObjectsStayDeleted(t *testing.T) {
	srv := New(Options{})
	srv.Synthetic("b", 2, 10)
	b := srv.buckets["b"]
	if b.empty() {
		t.Error("a bucket of generated objects is empty")
	}
	for i := range 2 {
		if b.drop(SyntheticKey(i), nullVersion) == nil {
			t.Errorf("object %d was not there", i)
		}
		if b.drop(SyntheticKey(i), nullVersion) != nil {
			t.Errorf("object %d came back", i)
		}
	}
	if !b.empty() {
		t.Error("the bucket is not empty")
	}
	b.add(&Object{Key: SyntheticKey(0)}, srv.newID)
	if b.find(SyntheticKey(0), "") == nil || b.empty() {
		t.Error("a deleted object cannot be written again")
	}
}
