// Package manifest reads objects from files, strictly: what the API server would
// refuse is refused here, in the same words, before anything is applied.
//
// It needs no cluster: the definitions of the kinds are built in. Kinds of others
// are passed over and named.
//
// Start reading at Read.
package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/message"
)

// Stdin is the path that stands for the standard input.
const Stdin = "-"

// Options says what to read.
type Options struct {
	// Paths are files, folders, or Stdin.
	Paths []string
	// Recursive also reads the folders inside folders.
	Recursive bool
	// In is the standard input.
	In io.Reader
	// Namespace is that of objects that name none.
	Namespace string
}

// Set is what was read.
type Set struct {
	// Objects are of rempart.dev and Namespaces, in the order of the files. Fields
	// that are absent have their defaults. Of two of one kind and name, only the
	// later is there.
	Objects []client.Object
	// Notes say what was passed over.
	Notes []message.Text
}

// Read reads every object of the files. Its error names every mistake, each with
// its file, document and field.
func Read(options Options) (Set, error) {
	schemas, err := loadSchemas()
	if err != nil {
		return Set{}, err
	}
	r := &reader{schemas: schemas, namespace: options.Namespace, seen: map[identity]place{}}
	files, err := listFiles(options)
	if err != nil {
		return Set{}, err
	}
	for _, file := range files {
		if err := r.readFile(file, options.In); err != nil {
			return Set{}, err
		}
	}
	if err := errors.Join(r.mistakes...); err != nil {
		return Set{}, err
	}
	return r.set, nil
}

// listFiles gives the files that the paths name.
func listFiles(options Options) ([]string, error) {
	var files []string
	for _, path := range options.Paths {
		if path == Stdin {
			files = append(files, path)
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		found, err := filesIn(path, options.Recursive)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s holds no file that ends in %s", path, strings.Join(extensions(), ", "))
		}
		files = append(files, found...)
	}
	return files, nil
}

func extensions() []string { return []string{".yaml", ".yml", ".json"} }

func filesIn(folder string, recursive bool) ([]string, error) {
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != folder && !recursive:
			return filepath.SkipDir
		case !entry.IsDir() && slices.Contains(extensions(), filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// reader collects what files hold.
type reader struct {
	schemas   schemas
	namespace string
	set       Set
	mistakes  []error
	// seen tells where an object was read.
	seen map[identity]place
}

func (r *reader) readFile(path string, in io.Reader) error {
	name, content := message.Verbatim(path), []byte(nil)
	var err error
	if path == Stdin {
		name = message.Of("standard input")
		content, err = io.ReadAll(in)
	} else {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return err
	}
	passedOver := &passedOver{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for number := 1; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		at := place{file: name, document: number}
		if err != nil {
			r.mistakes = append(r.mistakes, at.mistake("%v", err))
			break
		}
		r.readDocument(at, document, passedOver)
	}
	if note := passedOver.note(name); !note.IsZero() {
		r.set.Notes = append(r.set.Notes, note)
	}
	return nil
}

// passedOver are the objects of a file that are none of ours, by their kinds.
type passedOver struct {
	count int
	kinds []string
}

func (p *passedOver) add(kind string) {
	p.count++
	if !slices.Contains(p.kinds, kind) {
		p.kinds = append(p.kinds, kind)
	}
}

func (p *passedOver) note(file message.Text) message.Text {
	switch p.count {
	case 0:
		return message.Text{}
	case 1:
		return message.Of("%s: an object of another kind was passed over: %s", file, p.kinds[0])
	}
	return message.Of("%s: %d objects of other kinds were passed over: %s", file, p.count, strings.Join(p.kinds, ", "))
}

// place is where in the files something stands.
type place struct {
	file     message.Text
	document int
	// item is the position in a list, from 1 on.
	item int
	// object names the kind and name, as far as they are known.
	object string
}

// String reads file.yaml: document 2, item 3 (SovereignBucket actes).
func (p place) String() string { return p.text().String() }

func (p place) text() message.Text {
	text := message.Of("%s: document %d", p.file, p.document)
	if p.item > 0 {
		text = text.Then(message.Of(", item %d", p.item))
	}
	if p.object != "" {
		text = text.Then(message.Verbatim(" (" + p.object + ")"))
	}
	return text
}

// mistake makes an error that begins with the place. It is one line.
func (p place) mistake(format string, args ...any) error {
	said := fmt.Sprintf(format, args...)
	return fmt.Errorf("%s: %s", p, strings.Join(strings.Fields(said), " "))
}
