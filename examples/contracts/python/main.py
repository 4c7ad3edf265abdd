"""The contracts in Python: make messages, check them, send them as JSON and bytes, compute with
their decimals, read a list page by page.

    pip install ./gen/python
    python examples/contracts/python/main.py
"""

import json
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

import protovalidate
from cqc.assets.v1 import asset_pb2
from cqc.events.v1 import price_updated_pb2
from cqc.markets.v1 import order_type_pb2, price_pb2
from cqc.services.v1 import asset_registry_assets_pb2
from cqc.venues.v1 import order_pb2
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

MARKET_ID = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11"
# The default keeps 28 digits; an amount has up to 76, and a product twice as many.
EXACT = Context(prec=160)


def check(message: Message) -> str:
    """The rules that a message breaks, "field rule" each, or "valid"."""
    try:
        protovalidate.validate(message)
        return "valid"
    except protovalidate.ValidationError as error:
        rules = []
        for violation in error.violations:
            path = ".".join(element.field_name for element in violation.proto.field.elements)
            rules.append(f"{path or 'message'} {violation.proto.rule_id}")
        return ", ".join(sorted(rules))


def text_of(number: Decimal) -> str:
    """A decimal as the contracts write it: without exponent."""
    return format(number, "f")


def make_order(at: Timestamp) -> order_pb2.Order:
    return order_pb2.Order(
        order_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        client_order_id="mm-20260115-000042",
        account_id="a3bb189e-8bf9-4c0a-9b1b-3f0f3b6f4d10",
        market_id=MARKET_ID,
        venue_id="binance",
        side=order_pb2.ORDER_SIDE_BUY,
        order_type=order_type_pb2.ORDER_TYPE_LIMIT,
        time_in_force=order_type_pb2.TIME_IN_FORCE_GTC,
        quantity="0.125",
        price="64250.10",
        status=order_pb2.ORDER_STATUS_PENDING_NEW,
        version=1,
        created_at=at,
        updated_at=at,
    )


def make_event(at: Timestamp, price: str, previous: str) -> price_updated_pb2.PriceUpdated:
    # A quotient has to be rounded: say how.
    change = (Decimal(price) - Decimal(previous)) * 10000 / Decimal(previous)
    return price_updated_pb2.PriceUpdated(
        event_id="0194c8f0-6b1e-7c3a-9f4d-2b8a5e6c7d10",
        timestamp=at,
        actor_id="service:cqmd",
        price=price_pb2.Price(
            market_id=MARKET_ID,
            price_type=price_pb2.PRICE_TYPE_LAST,
            price=price,
            source="binance",
            observed_at=at,
        ),
        previous_price=previous,
        change_bps=text_of(change.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)),
    )


ASSETS = [
    asset_pb2.Asset(symbol=symbol, asset_type=asset_pb2.ASSET_TYPE_NATIVE)
    for symbol in ("BTC", "ETH", "SOL", "USDC", "USDT")
]


def list_assets(
    request: asset_registry_assets_pb2.ListAssetsRequest,
) -> asset_registry_assets_pb2.ListAssetsResponse:
    """Stands for AssetRegistryStub(channel).ListAssets, which waits."""
    start = int(request.page_token or "0")
    end = start + request.page_size
    return asset_registry_assets_pb2.ListAssetsResponse(
        assets=ASSETS[start:end],
        next_page_token=str(end) if end < len(ASSETS) else None,
    )


def main() -> None:
    at = Timestamp()
    at.FromJsonString("2026-01-15T09:30:00Z")

    # An order. What is not set is absent, not empty: ask with HasField.
    order = make_order(at)
    print(f"order: {check(order)}")
    print(f"venue's id: {'known' if order.HasField('venue_order_id') else 'absent'}")

    bad = order_pb2.Order()
    bad.CopyFrom(order)
    bad.quantity = "1e5"
    bad.order_type = order_type_pb2.ORDER_TYPE_MARKET
    print(f"bad order: {check(bad)}")

    # Decimals are text, and stay exact. Compute on what was checked: Decimal takes more than the contracts.
    notional = Decimal(order.price) * Decimal(order.quantity)
    fee = notional * Decimal("0.0004")
    limit = Decimal("64250.37") // Decimal("0.25") * Decimal("0.25")
    print(f"notional: {text_of(notional.normalize())}, fee: {text_of(fee.normalize())}")
    print(f"limit on the tick: {text_of(limit)}")

    event = make_event(at, order.price, "64249.90")
    print(f"event: {check(event)}")

    # JSON has the names of the contracts; bytes are what the bus carries.
    fields = json_format.MessageToDict(event, preserving_proto_field_name=True)
    text = json.dumps(fields, separators=(",", ":"))
    data = event.SerializeToString()
    decoded = price_updated_pb2.PriceUpdated.FromString(data)
    parsed = json_format.Parse(text, price_updated_pb2.PriceUpdated())
    print(text)
    print(f"bytes: {len(data)}, decoded the same: {str(decoded == event == parsed).lower()}")
    print(f"time: {decoded.timestamp.ToJsonString()}")
    try:
        price_updated_pb2.PriceUpdated.FromString(data[:-1])
    except DecodeError:
        print("bytes cut short: refused")

    # A list ends where next_page_token is absent or empty, not where a page is short.
    token = ""
    while True:
        page = list_assets(
            asset_registry_assets_pb2.ListAssetsRequest(page_size=2, page_token=token)
        )
        print(f"page: {' '.join(asset.symbol for asset in page.assets)}")
        token = page.next_page_token
        if not token:
            break


if __name__ == "__main__":
    with localcontext(EXACT):
        main()
