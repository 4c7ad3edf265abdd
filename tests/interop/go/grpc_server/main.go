// Command grpc_server serves MarketData as the TypeScript server of the gRPC tests does. It prints a line when it
// listens, and one for each call that ends because its caller gave up; SIGTERM stops it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	infrastructurev1 "github.com/Combine-Capital/cqc/gen/go/cqc/infrastructure/v1"
	marketsv1 "github.com/Combine-Capital/cqc/gen/go/cqc/markets/v1"
	servicesv1 "github.com/Combine-Capital/cqc/gen/go/cqc/services/v1"
	"github.com/Combine-Capital/cqc/tests/interop/go/grpc_rules"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The markets by what is asked of them.
const (
	priced  = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11"
	unknown = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b12"
	slow    = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b13"
	broken  = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b14"
	endless = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b15"
	stale   = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b17"
)

const (
	streamed  = 500
	firstMs   = 1_768_469_400_000
	retryTime = 1500 * time.Millisecond
)

var printing sync.Mutex

func say(line map[string]any) {
	printing.Lock()
	defer printing.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(line)
}

func failed(code codes.Code, text string, details ...protoadapt.MessageV1) error {
	with, err := status.New(code, text).WithDetails(details...)
	if err != nil {
		return err
	}
	return with.Err()
}

func info(reason infrastructurev1.ErrorReason, code string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{
		Reason:   strings.TrimPrefix(reason.String(), "ERROR_REASON_"),
		Domain:   "cqc",
		Metadata: map[string]string{"code": code},
	}
}

func notFound(marketID string) error {
	return failed(codes.NotFound, "Cannot find the market",
		info(infrastructurev1.ErrorReason_ERROR_REASON_MARKET_NOT_FOUND, "CQI_NOT_FOUND"),
		&errdetails.ResourceInfo{ResourceType: "cqc.markets.v1.Market", ResourceName: marketID})
}

func unavailable(reason infrastructurev1.ErrorReason, text string) error {
	return failed(codes.Unavailable, text, info(reason, "CQI_UNAVAILABLE"),
		&errdetails.RetryInfo{RetryDelay: durationpb.New(retryTime)})
}

// check refuses a request that breaks rules of the contracts.
func check(request any) error {
	found, err := grpc_rules.Violations(request.(proto.Message))
	if err != nil || len(found) == 0 {
		return err
	}
	return failed(codes.InvalidArgument, "Cannot accept the request",
		info(infrastructurev1.ErrorReason_ERROR_REASON_CONTRACT_VIOLATION, "CQI_CONTRACT_INVALID"),
		&errdetails.BadRequest{FieldViolations: found})
}

// hide keeps from clients what is no status.
func hide(err error) error {
	if _, ok := status.FromError(err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return failed(codes.Internal, "INTERNAL",
		info(infrastructurev1.ErrorReason_ERROR_REASON_INTERNAL, "CQI_INTERNAL"))
}

func unary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := check(request); err != nil {
		return nil, hide(err)
	}
	response, err := next(ctx, request)
	return response, hide(err)
}

// checking checks what comes in.
type checking struct{ grpc.ServerStream }

func (s checking) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	return check(message)
}

func stream(server any, s grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return hide(next(server, checking{s}))
}

// echo gives the metadata back.
func echo(ctx context.Context) error {
	given, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetHeader(ctx, metadata.Pairs(pairs(given, "x-request-id")...)); err != nil {
		return err
	}
	return grpc.SetTrailer(ctx, metadata.Pairs(pairs(given, "x-echo-bin")...))
}

func pairs(given metadata.MD, name string) []string {
	found := []string{}
	for _, value := range given.Get(name) {
		found = append(found, name, value)
	}
	return found
}

// wait waits until the caller gives up, and says so.
func wait(ctx context.Context, call string) error {
	_, deadline := ctx.Deadline()
	say(map[string]any{"event": "waiting", "call": call, "deadline": deadline})
	<-ctx.Done()
	say(map[string]any{"event": "ended", "call": call})
	return status.FromContextError(ctx.Err()).Err()
}

func at(ms int64) *timestamppb.Timestamp {
	return timestamppb.New(time.UnixMilli(ms))
}

func priceAt(marketID string, sequence int) *marketsv1.Price {
	return &marketsv1.Price{
		MarketId:   &marketID,
		PriceType:  marketsv1.PriceType_PRICE_TYPE_LAST.Enum(),
		Price:      proto.String(fmt.Sprintf("%d.50", 64_000+sequence)),
		Source:     proto.String("binance"),
		Sequence:   proto.Uint64(uint64(sequence)),
		ObservedAt: at(firstMs + int64(sequence)),
	}
}

type server struct {
	servicesv1.UnimplementedMarketDataServer
}

func (server) GetPrice(ctx context.Context, request *servicesv1.GetPriceRequest) (*servicesv1.GetPriceResponse, error) {
	if err := echo(ctx); err != nil {
		return nil, err
	}
	switch request.GetMarketId() {
	case priced:
		return &servicesv1.GetPriceResponse{Price: priceAt(priced, 1)}, nil
	case slow:
		return nil, wait(ctx, "GetPrice")
	case stale:
		return nil, unavailable(infrastructurev1.ErrorReason_ERROR_REASON_STALE_MARKET_DATA, "Cannot give a fresh price")
	case broken:
		return nil, errors.New("password is swordfish")
	default:
		return nil, notFound(request.GetMarketId())
	}
}

func (server) ListPrices(ctx context.Context, request *servicesv1.ListPricesRequest) (*servicesv1.ListPricesResponse, error) {
	response := &servicesv1.ListPricesResponse{NextPageToken: proto.String("next")}
	for sequence := 1; sequence <= int(request.GetPageSize()); sequence++ {
		response.Prices = append(response.Prices, priceAt(request.GetMarketId(), sequence))
	}
	return response, echo(ctx)
}

type prices = grpc.ServerStreamingServer[servicesv1.StreamPricesResponse]

func send(out prices, sequence int, response *servicesv1.StreamPricesResponse) error {
	response.ResumeToken = proto.String(fmt.Sprintf("seq:%d", sequence))
	return out.Send(response)
}

func sendPrice(out prices, marketID string, sequence int) error {
	payload := &servicesv1.StreamPricesResponse_Data{Data: priceAt(marketID, sequence)}
	return send(out, sequence, &servicesv1.StreamPricesResponse{Payload: payload})
}

func subscribed(out prices, marketID string, sequence int) error {
	return send(out, sequence, &servicesv1.StreamPricesResponse{
		Payload: &servicesv1.StreamPricesResponse_SubscriptionStatus{SubscriptionStatus: &servicesv1.SubscriptionStatus{
			Selector: &marketID,
			State:    servicesv1.SubscriptionState_SUBSCRIPTION_STATE_ACTIVE.Enum(),
		}},
	})
}

// whole sends the stream that ends by itself, with each kind of message, behind a place in its sequence.
func whole(out prices, after int) error {
	for sequence := after + 1; sequence <= streamed; sequence++ {
		if err := sendPrice(out, priced, sequence); err != nil {
			return err
		}
	}
	err := send(out, streamed+3, &servicesv1.StreamPricesResponse{
		Payload: &servicesv1.StreamPricesResponse_GapNotice{GapNotice: &servicesv1.GapNotice{
			Selector:     proto.String(priced),
			FromSequence: proto.Uint64(streamed + 1),
			ToSequence:   proto.Uint64(streamed + 3),
			Reason:       servicesv1.GapReason_GAP_REASON_SEQUENCE.Enum(),
		}},
	})
	if err != nil {
		return err
	}
	return send(out, streamed+3, &servicesv1.StreamPricesResponse{
		Payload: &servicesv1.StreamPricesResponse_Heartbeat{Heartbeat: &servicesv1.Heartbeat{
			ServerTime:   at(firstMs),
			LastSequence: proto.Uint64(streamed + 3),
		}},
	})
}

func (server) StreamPrices(request *servicesv1.StreamPricesRequest, out prices) error {
	ctx := out.Context()
	if err := echo(ctx); err != nil {
		return err
	}
	marketID := request.GetMarketIds()[0]
	if marketID == unknown {
		return notFound(marketID)
	}
	after, _ := strconv.Atoi(strings.TrimPrefix(request.GetResumeToken(), "seq:"))
	if err := subscribed(out, marketID, after); err != nil {
		return err
	}
	switch marketID {
	case priced:
		return whole(out, after)
	case slow:
		return wait(ctx, "StreamPrices")
	case endless:
		defer say(map[string]any{"event": "ended", "call": "StreamPrices"})
	}
	for sequence := 1; marketID == endless || sequence <= 2; sequence++ {
		if err := sendPrice(out, marketID, sequence); err != nil {
			return err
		}
	}
	return unavailable(infrastructurev1.ErrorReason_ERROR_REASON_VENUE_UNAVAILABLE, "Cannot go on: the venue is gone")
}

func run() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer(grpc.UnaryInterceptor(unary), grpc.StreamInterceptor(stream))
	servicesv1.RegisterMarketDataServer(s, server{})
	stopping, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-stopping.Done()
		say(map[string]any{"event": "closing"})
		s.GracefulStop()
	}()
	say(map[string]any{"event": "listening", "scenarios": listener.Addr().String(), "vectors": ""})
	return s.Serve(listener)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
