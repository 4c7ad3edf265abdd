// Command grpc_client makes the gRPC calls that come in as lines, with the generated clients, and prints what came of
// each.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	servicesv1 "github.com/Combine-Capital/cqc/gen/go/cqc/services/v1"
	"github.com/Combine-Capital/cqc/tests/interop/go/grpc_rules"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type call struct {
	Name      string            `json:"name"`
	Address   string            `json:"address"`
	Service   string            `json:"service"`
	Method    string            `json:"method"`
	Request   []byte            `json:"request"`
	Metadata  map[string]string `json:"metadata"`
	Names     []string          `json:"names"`
	TimeoutMs int               `json:"timeoutMs"`
	Take      int               `json:"take"`
	Check     bool              `json:"check"`
	Compress  bool              `json:"compress"`
}

type answer struct {
	Name     string                     `json:"name"`
	Code     uint32                     `json:"code"`
	Text     string                     `json:"text"`
	Messages []json.RawMessage          `json:"messages"`
	Details  map[string]json.RawMessage `json:"details"`
	Header   map[string]string          `json:"header"`
	Trailer  map[string]string          `json:"trailer"`
	Rules    []string                   `json:"rules"`
}

var stubs = map[string]func(grpc.ClientConnInterface) any{
	"AssetRegistry": func(c grpc.ClientConnInterface) any { return servicesv1.NewAssetRegistryClient(c) },
	"MarketData":    func(c grpc.ClientConnInterface) any { return servicesv1.NewMarketDataClient(c) },
	"Portfolio":     func(c grpc.ClientConnInterface) any { return servicesv1.NewPortfolioClient(c) },
	"RiskEngine":    func(c grpc.ClientConnInterface) any { return servicesv1.NewRiskEngineClient(c) },
	"VenueGateway":  func(c grpc.ClientConnInterface) any { return servicesv1.NewVenueGatewayClient(c) },
}

var connections = map[string]*grpc.ClientConn{}

func connect(address string) (*grpc.ClientConn, error) {
	if conn := connections[address]; conn != nil {
		return conn, nil
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	connections[address] = conn
	return conn, err
}

func outgoing(ctx context.Context, given map[string]string) (context.Context, error) {
	for name, value := range given {
		if strings.HasSuffix(name, "-bin") {
			data, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return nil, err
			}
			value = string(data)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, name, value)
	}
	return ctx, nil
}

func wanted(found metadata.MD, names []string) map[string]string {
	values := map[string]string{}
	for _, name := range names {
		for _, value := range found.Get(name) {
			if strings.HasSuffix(name, "-bin") {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			values[name] = value
		}
	}
	return values
}

func (a *answer) take(message any) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message.(proto.Message))
	a.Messages = append(a.Messages, text)
	return err
}

// fail tells of the status and its details.
func (a *answer) fail(err error) error {
	found, ok := status.FromError(err)
	if !ok {
		return err
	}
	a.Code = uint32(found.Code())
	a.Text = found.Message()
	for _, detail := range found.Details() {
		message, ok := detail.(proto.Message)
		if !ok {
			return fmt.Errorf("a detail cannot be read: %v", detail)
		}
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
		if err != nil {
			return err
		}
		a.Details[string(message.ProtoReflect().Descriptor().FullName())] = text
	}
	return nil
}

// receive reads what a generated method gave: a message, or a stream of them.
func (a *answer) receive(results []reflect.Value, take int, cancel func()) error {
	if err, failed := results[1].Interface().(error); failed {
		return a.fail(err)
	}
	if _, ok := results[0].Interface().(grpc.ClientStream); !ok {
		return a.take(results[0].Interface())
	}
	for {
		got := results[0].MethodByName("Recv").Call(nil)
		if err, failed := got[1].Interface().(error); failed {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return a.fail(err)
		}
		if err := a.take(got[0].Interface()); err != nil {
			return err
		}
		if len(a.Messages) == take {
			cancel()
		}
	}
}

func (a *answer) check(request proto.Message) error {
	found, err := grpc_rules.Violations(request)
	for _, each := range found {
		a.Rules = append(a.Rules, each.GetField()+" "+each.GetReason())
	}
	slices.Sort(a.Rules)
	return err
}

func do(c call) (*answer, error) {
	a := &answer{Name: c.Name, Messages: []json.RawMessage{}, Details: map[string]json.RawMessage{}, Rules: []string{}}
	conn, err := connect(c.Address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if c.TimeoutMs > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(c.TimeoutMs)*time.Millisecond)
		defer stop()
	}
	if ctx, err = outgoing(ctx, c.Metadata); err != nil {
		return nil, err
	}
	method := reflect.ValueOf(stubs[c.Service](conn)).MethodByName(c.Method)
	request := reflect.New(method.Type().In(1).Elem())
	message := request.Interface().(proto.Message)
	if err := proto.Unmarshal(c.Request, message); err != nil {
		return nil, err
	}
	if c.Check {
		if err := a.check(message); err != nil {
			return nil, err
		}
	}
	var header, trailer metadata.MD
	options := []grpc.CallOption{grpc.Header(&header), grpc.Trailer(&trailer)}
	if c.Compress {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	args := []reflect.Value{reflect.ValueOf(ctx), request}
	for _, option := range options {
		args = append(args, reflect.ValueOf(option))
	}
	if err := a.receive(method.Call(args), c.Take, cancel); err != nil {
		return nil, err
	}
	a.Header, a.Trailer = wanted(header, c.Names), wanted(trailer, c.Names)
	return a, nil
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		a, err := do(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
