// Command bus_peer reads and writes events on Kafka in Go, with the generated code.
//
//	bus_peer read BROKERS TOPICS COUNT  prints COUNT records of the topics, one line each
//	bus_peer write BROKERS              writes the events that come in as lines and prints where each landed
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	_ "github.com/Combine-Capital/cqc/tests/interop/go/contracts"
	"github.com/Combine-Capital/cqc/tests/interop/go/grpc_rules"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const limit = 60 * time.Second

// event is what every event of the contracts has, by the getters of the generated code.
type event interface {
	proto.Message
	GetEventId() string
	GetTimestamp() *timestamppb.Timestamp
	GetActorId() string
}

type place struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

type found struct {
	place
	Key     *string           `json:"key"`
	Headers map[string]string `json:"headers"`
	EventID string            `json:"event_id"`
	ActorID string            `json:"actor_id"`
	Time    string            `json:"time"`
	Event   json.RawMessage   `json:"event"`
	Rules   []string          `json:"rules"`
}

type wanted struct {
	Topic string          `json:"topic"`
	Type  string          `json:"type"`
	Event json.RawMessage `json:"event"`
	Key   *string         `json:"key"`
	// Headers besides those of CloudEvents.
	Headers map[string]string `json:"headers"`
	// True leaves all headers out.
	Bare bool `json:"bare"`
}

func newEvent(name string) (event, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	made, ok := kind.New().Interface().(event)
	if !ok {
		return nil, fmt.Errorf("%s is no event", name)
	}
	return made, nil
}

func read(record *kgo.Record) (*found, error) {
	got := &found{
		place:   place{record.Topic, record.Partition, record.Offset},
		Headers: map[string]string{},
		Rules:   []string{},
	}
	if record.Key != nil {
		key := string(record.Key)
		got.Key = &key
	}
	for _, header := range record.Headers {
		got.Headers[header.Key] = string(header.Value)
	}
	message, err := newEvent(got.Headers["ce_type"])
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(record.Value, message); err != nil {
		return nil, err
	}
	got.EventID, got.ActorID = message.GetEventId(), message.GetActorId()
	got.Time = message.GetTimestamp().AsTime().Format(time.RFC3339Nano)
	broken, err := grpc_rules.Violations(message)
	if err != nil {
		return nil, err
	}
	for _, each := range broken {
		got.Rules = append(got.Rules, each.Field+" "+each.Reason)
	}
	got.Event, err = protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	return got, err
}

func readAll(ctx context.Context, brokers, topics []string, count int) error {
	start := kgo.NewOffset().AtStart()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(start))
	if err != nil {
		return err
	}
	defer client.Close()
	out := json.NewEncoder(os.Stdout)
	for count > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("%d records are missing: %w", count, err)
		}
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("%s/%d: %w", failed.Topic, failed.Partition, failed.Err)
		}
		for _, record := range fetches.Records() {
			got, err := read(record)
			if err != nil {
				return fmt.Errorf("%s/%d/%d: %w", record.Topic, record.Partition, record.Offset, err)
			}
			if err := out.Encode(got); err != nil {
				return err
			}
			count--
		}
	}
	return nil
}

func recordOf(line []byte) (*kgo.Record, error) {
	var want wanted
	if err := json.Unmarshal(line, &want); err != nil {
		return nil, err
	}
	message, err := newEvent(want.Type)
	if err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(want.Event, message); err != nil {
		return nil, err
	}
	value, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	record := &kgo.Record{Topic: want.Topic, Value: value}
	headers := map[string]string{
		"content-type":   "application/protobuf",
		"ce_specversion": "1.0",
		"ce_id":          message.GetEventId(),
		"ce_source":      "/go/bus_peer",
		"ce_type":        want.Type,
		"ce_time":        message.GetTimestamp().AsTime().Format(time.RFC3339Nano),
	}
	if want.Key != nil {
		record.Key = []byte(*want.Key)
		headers["ce_partitionkey"] = *want.Key
	}
	for name, value := range want.Headers {
		headers[name] = value
	}
	if !want.Bare {
		for name, value := range headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	return record, nil
}

func writeAll(ctx context.Context, brokers []string) error {
	codec := map[string]kgo.CompressionCodec{
		"":       kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}[os.Getenv("BUS_PEER_COMPRESSION")]
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerBatchCompression(codec))
	if err != nil {
		return err
	}
	defer client.Close()
	records := []*kgo.Record{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		record, err := recordOf(lines.Bytes())
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, record := range records {
		if err := out.Encode(place{record.Topic, record.Partition, record.Offset}); err != nil {
			return err
		}
	}
	return nil
}

func run(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	switch {
	case len(args) == 4 && args[0] == "read":
		count, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		return readAll(ctx, strings.Split(args[1], ","), strings.Split(args[2], ","), count)
	case len(args) == 2 && args[0] == "write":
		return writeAll(ctx, strings.Split(args[1], ","))
	}
	return errors.New("wanted: read BROKERS TOPICS COUNT, or write BROKERS")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
