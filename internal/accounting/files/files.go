package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// maxFile is the largest file that Find reads, in bytes. An order of 1,000 lines is about 1 MB.
const maxFile = 16 << 20

// Books is one folder of invoice files.
type Books struct {
	Dir string // made when it is first written to
}

// Create renders the document and nothing else: the receipt's content is to be stored with the booking, and written to
// the folder by Export. A document that cannot be rendered is a *doorzet.RefusedError; when the time is up before anything
// was made, a *doorzet.LaterError.
func (b Books) Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return doorzet.Receipt{}, &doorzet.LaterError{Reason: "The time for making the invoice file was up", Err: err}
	}
	content, err := Render(doc)
	if err != nil {
		return doorzet.Receipt{}, doorzet.Refused("No invoice file can be made of %s: %v", doc.Reference, err)
	}
	return doorzet.Receipt{RemoteID: fileName(doc.Reference), Total: doc.Total, Content: content}, nil
}

// Find reads the file of a reference: none or one document. A file that cannot be read, or that is not the document it is
// named after, is an error that says so: it may neither be adopted nor written over.
func (b Books) Find(ctx context.Context, ref string) ([]doorzet.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkName(ref); err != nil {
		return nil, err
	}
	content, err := b.read(ref)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s in %s: %w", ref, b.Dir, err)
	}
	f, err := parse(ref, content)
	if err != nil {
		return nil, fmt.Errorf("look up %s in %s: the file %s is not ours: %w", ref, b.Dir, fileName(ref), err)
	}
	return []doorzet.Found{f}, nil
}

// Settle is how long after an unknown outcome a look-up can be trusted: at once.
func (b Books) Settle() time.Duration { return 0 }

// read is the content of a reference's file.
func (b Books) read(ref string) ([]byte, error) {
	root, err := os.OpenRoot(b.Dir)
	if err != nil {
		return nil, err
	}
	defer closeQuietly(root)
	return readIn(root, fileName(ref))
}

// readIn reads a regular file of limited size.
func readIn(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer closeQuietly(f)
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return content, err
}

// closeQuietly closes what was only read from: an error then means nothing.
func closeQuietly(c io.Closer) { _ = c.Close() }

// referenceForm is what a file may be called: nothing that leads out of the folder, hides, or that another system reads
// differently.
var referenceForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// checkName refuses a reference that cannot be a file's name.
func checkName(ref string) error {
	if !referenceForm.MatchString(ref) {
		return doorzet.Input("reference %q: only letters, digits, - and _ can be in the name of a file", ref)
	}
	return nil
}

func fileName(ref string) string { return ref + ".xml" }
