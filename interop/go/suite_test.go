// Package interop holds the vendor's SDK for Go against `cozectl serve`.
package interop

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/coze-dev/coze-go"
)

// The ids of interop/server/coze.yaml.
const (
	scripted = "7500000000000000101"
	greet    = "7500000000000000201"
	report   = "7500000000000000202"
	trip     = "7500000000000000203"
	talk     = "7500000000000000204"
	space    = "7500000000000000003" // the one that a server has from the start
	nowhere  = "7599999999999999999"
	answer   = "Hello, 你好 🌍"

	// The codes of what is not there.
	noConversation = 4001
	noChat         = 4002
	noMessage      = 4005
)

// A method is a case: a method of the SDK, the rows of our API that it needs (the one that it is
// about first), and code that uses the method for real. Where one of the rows stands in
// not_served.txt, the call has to be refused with the error that says so.
type method struct {
	name string
	rows string
	run  func(t *T)
}

// T is what a case gets: it may fail like a test, and it ends at the first error.
type T struct {
	coze coze.CozeAPI
	base string
	key  *rsa.PrivateKey
	ctx  context.Context
}

type failure struct{ err error }

func (t *T) must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func (t *T) equal(got, want any) {
	if !reflect.DeepEqual(got, want) {
		panic(failure{fmt.Errorf("got %#v, want %#v", got, want)})
	}
}

func (t *T) yes(holds bool, what string) {
	if !holds {
		panic(failure{errors.New(what)})
	}
}

// refused checks that the call is refused with that code.
func (t *T) refused(err error, code int) {
	var refusal *coze.Error
	if !errors.As(err, &refusal) || isNotServed(err) {
		panic(failure{fmt.Errorf("not refused as it should be: %w", err)})
	}
	t.equal(refusal.Code, code)
	t.yes(refusal.LogID != "", "a refusal tells its log id")
}

func isNotServed(err error) bool {
	return strings.Contains(err.Error(), "has no endpoint") || strings.Contains(err.Error(), "does not serve")
}

// must gives the value of a call that works.
func must[V any](value V, err error) V {
	if err != nil {
		panic(failure{err})
	}
	return value
}

// until calls until it gives something.
func until[V any](what string, probe func() (V, bool)) V {
	for tries := 0; tries < 200; tries++ {
		if found, done := probe(); done {
			return found
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic(failure{errors.New("not in time: " + what)})
}

// all gives the events of a stream.
func all[V coze.ChatEvent | coze.WorkflowEvent](stream coze.Stream[V], err error) []*V {
	if err != nil {
		panic(failure{err})
	}
	defer stream.Close()
	var events []*V
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			panic(failure{err})
		}
		events = append(events, event)
	}
}

// items gives what all pages hold.
func items[V any](page coze.BasePaged[V], err error) []*V {
	if err != nil {
		panic(failure{err})
	}
	var found []*V
	for page.Next() {
		found = append(found, page.Current())
	}
	if page.Err() != nil {
		panic(failure{page.Err()})
	}
	return found
}

var count int

// fresh is a name that nothing else has.
func fresh(what string) string {
	count++
	return fmt.Sprintf("%s %d", what, count)
}

// attempt runs a case and gives its first error.
func attempt(it method, t *T) (err error) {
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case failure:
			err = problem.err
		default:
			err = fmt.Errorf("%v\n%s", problem, debug.Stack())
		}
	}()
	it.run(t)
	return nil
}

// missing gives the rows of the case that are not served.
func missing(it method, notServed map[string]bool) []string {
	var found []string
	for _, row := range strings.Fields(it.rows) {
		if notServed[row] {
			found = append(found, row)
		}
	}
	return found
}

func notServed(t *testing.T) map[string]bool {
	text, err := os.ReadFile(filepath.Join(repository(), "crates/coze-server/not_served.txt"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "#") && !strings.HasSuffix(line, ":") {
			for _, row := range strings.Fields(line) {
				rows[row] = true
			}
		}
	}
	return rows
}

// methodsOf gives the methods of the services that this suite is about, as they are in the package.
func methodsOf(api coze.CozeAPI) []string {
	var found []string
	var walk func(value reflect.Value, path string)
	walk = func(value reflect.Value, path string) {
		for i := 0; i < value.NumMethod(); i++ {
			found = append(found, path+"."+value.Type().Method(i).Name)
		}
		inside := value.Elem()
		for i := 0; i < inside.NumField(); i++ {
			field := inside.Type().Field(i)
			if field.IsExported() && field.Type.Kind() == reflect.Pointer {
				walk(inside.Field(i), path+"."+field.Name)
			}
		}
	}
	for _, name := range []string{"Bots", "Chat", "Conversations", "Datasets", "Files", "Workflows"} {
		walk(reflect.ValueOf(api).FieldByName(name), name)
	}
	found = append(found, "JWTOAuthClient.GetAccessToken")
	sort.Strings(found)
	return found
}

func TestMethods(t *testing.T) {
	local, err := start()
	if err != nil {
		t.Fatal(err)
	}
	api := coze.NewCozeAPI(coze.NewTokenAuth(token), coze.WithBaseURL(local.base), coze.WithLogLevel(coze.LogLevelError))
	absent := notServed(t)

	t.Run("every method has a case, and every case a method", func(t *testing.T) {
		var named []string
		for _, it := range cases {
			named = append(named, it.name)
		}
		sort.Strings(named)
		if there := methodsOf(api); !reflect.DeepEqual(named, there) {
			t.Fatalf("cases %v\nmethods %v", named, there)
		}
	})

	lines := []string{"coze-go " + version()}
	for _, it := range cases {
		outcome := "fails"
		t.Run(it.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			err := attempt(it, &T{coze: api, base: local.base, key: local.key, ctx: ctx})
			rows := missing(it, absent)
			switch {
			case len(rows) == 0 && err == nil:
				outcome = "passes"
			case len(rows) > 0 && err != nil && isNotServed(err):
				outcome = "not served"
			case len(rows) > 0 && err == nil:
				t.Fatalf("it works: take %v off not_served.txt, or mend the case", rows)
			default:
				t.Fatal(err)
			}
		})
		lines = append(lines, it.name+"\t"+outcome+"\t"+it.rows)
	}
	if err := local.stop(); err != nil {
		t.Error(err)
	}
	write(t, lines)
}

// write keeps what came of the cases for the table of docs/compatibility.md.
func write(t *testing.T, lines []string) {
	folder := os.Getenv("COZE_RESULTS")
	if folder == "" {
		folder = filepath.Join(repository(), "target/compatibility")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(folder, "go.txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// version is the one of the SDK, as go.mod has it.
func version() string {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		return "unknown"
	}
	_, rest, _ := strings.Cut(string(text), "github.com/coze-dev/coze-go ")
	found, _, _ := strings.Cut(rest, "\n")
	return strings.TrimPrefix(found, "v")
}
