package files

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Files hold names and addresses of customers, so they are not for everybody: the group reads what the books' owner shares.
const (
	dirMode  = 0o750
	fileMode = 0o640
)

// Export writes a booking's content to the folder as <reference>.xml: whole or not at all, and on disk when it returns.
// The name is the reference, or its file name. The same content again changes nothing. A file with other content is
// never written over: that is a *doorzet.RefusedError. The folder is made when it is missing.
func (b Books) Export(name string, content []byte) error {
	ref := strings.TrimSuffix(name, ".xml")
	if err := checkName(ref); err != nil {
		return err
	}
	root, err := openDir(b.Dir)
	if err != nil {
		return err
	}
	defer closeQuietly(root)
	if done, err := present(root, b.Dir, fileName(ref), content); done || err != nil {
		return err
	}
	temp := "." + ref + "." + rand.Text() + ".tmp"
	if err := writeSynced(root, temp, content); err != nil {
		_ = root.Remove(temp)
		return fmt.Errorf("write %s in %s: %w", fileName(ref), b.Dir, err)
	}
	err = publish(root, b.Dir, temp, fileName(ref), content)
	_ = root.Remove(temp)
	if err != nil {
		return err
	}
	return syncDir(root)
}

// present tells whether a file is there already with this content; other content is refused.
func present(root *os.Root, dir, name string, content []byte) (bool, error) {
	have, err := readIn(root, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read %s in %s: %w", name, dir, err)
	case bytes.Equal(have, content):
		return true, nil
	}
	return false, doorzet.Refused("The file %s in %s exists with another content. It was not written over: move it away if it does not belong there, then export again.", name, dir)
}

// publish gives the finished file its name. A link fails where the name exists, so that of two writers at the same time
// one is first and the other compares; a file system without links gets a rename, after looking.
func publish(root *os.Root, dir, temp, name string, content []byte) error {
	err := root.Link(temp, name)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		_, err = present(root, dir, name, content)
		return err
	}
	if done, err := present(root, dir, name, content); done || err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		return fmt.Errorf("write %s in %s: %w", name, dir, err)
	}
	return nil
}

// writeSynced writes a new file and waits until it is on disk.
func writeSynced(root *os.Root, name string, content []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir waits until the folder's names are on disk.
func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer closeQuietly(d)
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write the folder %s to disk: %w", root.Name(), err)
	}
	return nil
}

// CheckDir makes sure that files can be written to a folder, making it when it is missing. The error is a
// *doorzet.InputError that says what is wrong.
func CheckDir(dir string) error {
	root, err := openDir(dir)
	if err != nil {
		return err
	}
	defer closeQuietly(root)
	name := ".doorzet." + rand.Text() + ".tmp"
	err = writeSynced(root, name, []byte("can this folder be written to?\n"))
	if err = errors.Join(err, root.Remove(name)); err != nil {
		return doorzet.Input("folder %s: files cannot be written to it (%v); give the user that runs Doorzet the right to write there", dir, err)
	}
	return nil
}

// openDir opens the folder, and makes it when it is missing.
func openDir(dir string) (*os.Root, error) {
	if dir == "" {
		return nil, doorzet.Input("no folder was given for the invoice files")
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, doorzet.Input("folder %s: it cannot be made (%v)", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, doorzet.Input("folder %s: it cannot be opened (%v)", dir, err)
	}
	return root, nil
}
