// The contracts in Go: make messages, check them, send them as JSON and bytes, compute with their
// decimals, read a list page by page.
//
//	cd examples/contracts/go && go run .
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"
	"strconv"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	assetsv1 "github.com/Combine-Capital/cqc/gen/go/cqc/assets/v1"
	eventsv1 "github.com/Combine-Capital/cqc/gen/go/cqc/events/v1"
	marketsv1 "github.com/Combine-Capital/cqc/gen/go/cqc/markets/v1"
	servicesv1 "github.com/Combine-Capital/cqc/gen/go/cqc/services/v1"
	venuesv1 "github.com/Combine-Capital/cqc/gen/go/cqc/venues/v1"
	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const marketID = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11"

// check lists the rules that a message breaks, "field rule" each, or says "valid".
func check(message proto.Message) (string, error) {
	err := protovalidate.Validate(message)
	if err == nil {
		return "valid", nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return "", err
	}
	var rules []string
	for _, violation := range invalid.Violations {
		path := protovalidate.FieldPathString(violation.Proto.GetField())
		if path == "" {
			path = "message"
		}
		rules = append(rules, path+" "+violation.Proto.GetRuleId())
	}
	slices.Sort(rules)
	return strings.Join(rules, ", "), nil
}

func newOrder(at *timestamppb.Timestamp) *venuesv1.Order {
	return &venuesv1.Order{
		OrderId:       proto.String("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
		ClientOrderId: proto.String("mm-20260115-000042"),
		AccountId:     proto.String("a3bb189e-8bf9-4c0a-9b1b-3f0f3b6f4d10"),
		MarketId:      proto.String(marketID),
		VenueId:       proto.String("binance"),
		Side:          venuesv1.OrderSide_ORDER_SIDE_BUY.Enum(),
		OrderType:     marketsv1.OrderType_ORDER_TYPE_LIMIT.Enum(),
		TimeInForce:   marketsv1.TimeInForce_TIME_IN_FORCE_GTC.Enum(),
		Quantity:      proto.String("0.125"),
		Price:         proto.String("64250.10"),
		Status:        venuesv1.OrderStatus_ORDER_STATUS_PENDING_NEW.Enum(),
		Version:       proto.Uint64(1),
		CreatedAt:     at,
		UpdatedAt:     at,
	}
}

func newEvent(at *timestamppb.Timestamp, price, previous decimal.Decimal) *eventsv1.PriceUpdated {
	// A quotient has to be rounded: say to how many places. Div rounds to 16 without being asked.
	change := price.Sub(previous).Mul(decimal.NewFromInt(10_000)).DivRound(previous, 4)
	return &eventsv1.PriceUpdated{
		EventId:   proto.String("0194c8f0-6b1e-7c3a-9f4d-2b8a5e6c7d10"),
		Timestamp: at,
		ActorId:   proto.String("service:cqmd"),
		Price: &marketsv1.Price{
			MarketId:   proto.String(marketID),
			PriceType:  marketsv1.PriceType_PRICE_TYPE_LAST.Enum(),
			Price:      proto.String(price.StringFixed(2)),
			Source:     proto.String("binance"),
			ObservedAt: at,
		},
		PreviousPrice: proto.String(previous.StringFixed(2)),
		ChangeBps:     proto.String(change.String()),
	}
}

// registry stands for servicesv1.NewAssetRegistryClient(conn), whose calls take a context too.
type registry []*assetsv1.Asset

func (r registry) ListAssets(request *servicesv1.ListAssetsRequest) (*servicesv1.ListAssetsResponse, error) {
	start := 0
	if token := request.GetPageToken(); token != "" {
		var err error
		if start, err = strconv.Atoi(token); err != nil {
			return nil, err
		}
	}
	end := min(start+int(request.GetPageSize()), len(r))
	response := &servicesv1.ListAssetsResponse{Assets: r[start:end]}
	if end < len(r) {
		response.NextPageToken = proto.String(strconv.Itoa(end))
	}
	return response, nil
}

func orders(at *timestamppb.Timestamp) (*venuesv1.Order, error) {
	// An order. What is not set is absent, not empty: its pointer is nil.
	order := newOrder(at)
	result, err := check(order)
	if err != nil {
		return nil, err
	}
	fmt.Println("order:", result)
	known := "absent"
	if order.VenueOrderId != nil {
		known = "known"
	}
	fmt.Println("venue's id:", known)

	bad := proto.CloneOf(order)
	bad.Quantity = proto.String("1e5")
	bad.OrderType = marketsv1.OrderType_ORDER_TYPE_MARKET.Enum()
	if result, err = check(bad); err != nil {
		return nil, err
	}
	fmt.Println("bad order:", result)
	return order, nil
}

func decimals(order *venuesv1.Order) (price decimal.Decimal, err error) {
	// Decimals are text, and stay exact. Compute on what was checked: NewFromString takes more than the contracts.
	if price, err = decimal.NewFromString(order.GetPrice()); err != nil {
		return price, err
	}
	quantity, err := decimal.NewFromString(order.GetQuantity())
	if err != nil {
		return price, err
	}
	notional := price.Mul(quantity)
	fee := notional.Mul(decimal.RequireFromString("0.0004"))
	wanted, tick := decimal.RequireFromString("64250.37"), decimal.RequireFromString("0.25")
	fmt.Printf("notional: %s, fee: %s\n", notional, fee)
	fmt.Println("limit on the tick:", wanted.Sub(wanted.Mod(tick)))
	return price, nil
}

func forms(event *eventsv1.PriceUpdated) error {
	result, err := check(event)
	if err != nil {
		return err
	}
	fmt.Println("event:", result)

	// JSON has the names of the contracts; bytes are what the bus carries.
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(event)
	if err != nil {
		return err
	}
	data, err := proto.Marshal(event)
	if err != nil {
		return err
	}
	var decoded, parsed eventsv1.PriceUpdated
	if err := errors.Join(proto.Unmarshal(data, &decoded), protojson.Unmarshal(text, &parsed)); err != nil {
		return err
	}
	// protojson puts in blanks at random, so that nobody counts on its form.
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return err
	}
	fmt.Println(compact.String())
	same := proto.Equal(event, &decoded) && proto.Equal(event, &parsed)
	fmt.Printf("bytes: %d, decoded the same: %t\n", len(data), same)
	fmt.Println("time:", decoded.GetTimestamp().AsTime().Format(time.RFC3339))
	if proto.Unmarshal(data[:len(data)-1], &eventsv1.PriceUpdated{}) != nil {
		fmt.Println("bytes cut short: refused")
	}
	return nil
}

func pages() error {
	var client registry
	for _, symbol := range []string{"BTC", "ETH", "SOL", "USDC", "USDT"} {
		client = append(client, &assetsv1.Asset{
			Symbol:    proto.String(symbol),
			AssetType: assetsv1.AssetType_ASSET_TYPE_NATIVE.Enum(),
		})
	}
	// A list ends where next_page_token is absent or empty, not where a page is short.
	for token := ""; ; {
		page, err := client.ListAssets(&servicesv1.ListAssetsRequest{
			PageSize:  proto.Int32(2),
			PageToken: proto.String(token),
		})
		if err != nil {
			return err
		}
		var symbols []string
		for _, asset := range page.GetAssets() {
			symbols = append(symbols, asset.GetSymbol())
		}
		fmt.Println("page:", strings.Join(symbols, " "))
		if token = page.GetNextPageToken(); token == "" {
			return nil
		}
	}
}

func run() error {
	at := timestamppb.New(time.Date(2026, 1, 15, 9, 30, 0, 0, time.UTC))
	order, err := orders(at)
	if err != nil {
		return err
	}
	price, err := decimals(order)
	if err != nil {
		return err
	}
	if err := forms(newEvent(at, price, decimal.RequireFromString("64249.90"))); err != nil {
		return err
	}
	return pages()
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
