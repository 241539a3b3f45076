package postgres

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Keyring encrypts what is secret before it is stored: AES-256-GCM, with the id of the key in front, so that keys can be
// changed. The zero Keyring refuses to seal and to open.
type Keyring struct {
	id   [4]byte
	aead cipher.AEAD
}

// NewKeyring makes a Keyring of one key of 32 bytes.
func NewKeyring(key []byte) (Keyring, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return Keyring{}, doorzet.Input("the secret key must have 32 bytes, it has %d", len(key))
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Keyring{}, fmt.Errorf("prepare the secret key: %w", err)
	}
	sum := sha256.Sum256(key)
	return Keyring{id: [4]byte(sum[:4]), aead: aead}, nil
}

var errNoKey = doorzet.Input("DOORZET_SECRET_KEY is not set: the keys of shops cannot be read or stored without it (make one with: openssl rand -base64 32)")

// seal encrypts a secret. The result is version 1, key id, nonce, ciphertext.
func (k Keyring) seal(s doorzet.Secret) ([]byte, error) {
	if k.aead == nil {
		return nil, errNoKey
	}
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	out := append([]byte{1}, k.id[:]...)
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, []byte(s.Reveal()), k.id[:]), nil
}

// open decrypts what seal made.
func (k Keyring) open(b []byte) (doorzet.Secret, error) {
	if k.aead == nil {
		return "", errNoKey
	}
	head := 1 + len(k.id)
	if len(b) < head+k.aead.NonceSize() || b[0] != 1 {
		return "", fmt.Errorf("a stored secret has an unknown form")
	}
	if [4]byte(b[1:head]) != k.id {
		return "", doorzet.Input("a stored secret was encrypted with another DOORZET_SECRET_KEY (key id %x, this one is %x): start with the key that was used before", b[1:head], k.id)
	}
	nonce, sealed := b[head:head+k.aead.NonceSize()], b[head+k.aead.NonceSize():]
	plain, err := k.aead.Open(nil, nonce, sealed, k.id[:])
	if err != nil {
		return "", fmt.Errorf("a stored secret does not open with DOORZET_SECRET_KEY: %w", err)
	}
	return doorzet.Secret(plain), nil
}
