package interop

import (
	"bufio"
	"bytes"
	"fmt"
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
	config := filepath.Join(repository(), "interop/server/coze.yaml")
	it := &server{data: data}
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

func (it *server) stop() error {
	_ = it.command.Process.Signal(syscall.SIGTERM)
	if err := it.command.Wait(); err != nil {
		return fmt.Errorf("the server did not stop in order: %w\n%s", err, it.log.String())
	}
	return os.RemoveAll(it.data)
}
