package main

import (
	"io"
	"os"
	"sync"
)

// shared is a writer to which several write at the same time, as what is said to a person and what works beside it log: each
// write is whole.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

// Write writes all of p before another write begins.
func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(p)
}

// terminal tells whether somebody looks at what is written.
func (s *shared) terminal() bool {
	f, ok := s.to.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
