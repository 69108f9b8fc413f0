package interop

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const token = "test-token"

// server is a `cozectl serve` that this suite has started.
type server struct {
	base    string
	command *exec.Cmd
	log     bytes.Buffer
	data    string
	// key of the application that logs in with JWT: made for each run, none lies in the repository.
	key *rsa.PrivateKey
}

func repository() string {
	root, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return root
}

func binary() (string, error) {
	places := []string{
		filepath.Join(repository(), "target/release/cozectl"),
		filepath.Join(repository(), "target/debug/cozectl"),
	}
	if named := os.Getenv("COZECTL"); named != "" {
		places = []string{named}
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", fmt.Errorf("no cozectl at %s; build it, or set COZECTL", strings.Join(places, " or "))
}

// start gives a server on a free port.
func start() (*server, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp("", "coze-go-")
	if err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(data, "config")
	if err := configure(folder, &key.PublicKey); err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "coze.yaml")
	it := &server{data: data, key: key}
	it.command = exec.Command(path, "serve", "--port", "0", "--data", data, "--config", config, "--token", token)
	it.command.Stderr = &it.log
	// No proxies, no settings of an account.
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasSuffix(strings.ToLower(name), "_proxy") && !strings.HasPrefix(name, "COZE_") {
			it.command.Env = append(it.command.Env, pair)
		}
	}
	out, err := it.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := it.command.Start(); err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	base, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !found {
		_ = it.command.Process.Kill()
		return nil, fmt.Errorf("the server did not start:\n%s", it.log.String())
	}
	it.base = base
	return it, nil
}

// configure copies the configuration of the suites, and puts the key beside it.
func configure(folder string, key *rsa.PublicKey) error {
	from := filepath.Join(repository(), "interop/server")
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(folder, name), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name), text, 0o644)
	})
	if err != nil {
		return err
	}
	bytes, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: bytes})
	return os.WriteFile(filepath.Join(folder, "jwt.pub.pem"), text, 0o644)
}

func (it *server) stop() error {
	_ = it.command.Process.Signal(syscall.SIGTERM)
	if err := it.command.Wait(); err != nil {
		return fmt.Errorf("the server did not stop in order: %w\n%s", err, it.log.String())
	}
	return os.RemoveAll(it.data)
}
