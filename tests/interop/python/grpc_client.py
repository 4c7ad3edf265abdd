"""Makes the gRPC calls that come in as lines, with the generated stubs, and prints what came of each."""

import base64
import importlib
import json
import pkgutil
import sys

import cqc
import grpc
import protovalidate
from cqc.services.v1 import (
    asset_registry_pb2_grpc,
    market_data_pb2_grpc,
    portfolio_pb2_grpc,
    risk_engine_pb2_grpc,
    venue_gateway_pb2_grpc,
)
from google.protobuf import json_format, message_factory, symbol_database
from google.rpc import error_details_pb2, status_pb2

from vectors import broken_rules

STUBS = {
    "AssetRegistry": asset_registry_pb2_grpc.AssetRegistryStub,
    "MarketData": market_data_pb2_grpc.MarketDataStub,
    "Portfolio": portfolio_pb2_grpc.PortfolioStub,
    "RiskEngine": risk_engine_pb2_grpc.RiskEngineStub,
    "VenueGateway": venue_gateway_pb2_grpc.VenueGatewayStub,
}
DETAILS = {kind.full_name: kind for kind in error_details_pb2.DESCRIPTOR.message_types_by_name.values()}


def is_binary(name: str) -> bool:
    return name.endswith("-bin")


def outgoing(given: dict) -> list:
    return [(name, base64.b64decode(value) if is_binary(name) else value) for name, value in given.items()]


def wanted(found, names: list) -> dict:
    return {
        name: base64.b64encode(value).decode() if is_binary(name) else value
        for name, value in found or ()
        if name in names
    }


def printed(message) -> dict:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def details_of(error) -> dict:
    found = {}
    for name, value in error.trailing_metadata() or ():
        if name != "grpc-status-details-bin":
            continue
        status = status_pb2.Status.FromString(value)
        if (status.code, status.message) != (error.code().value[0], error.details()):
            raise ValueError(f"The details say {status.code} {status.message}")
        for detail in status.details:
            kind = DETAILS[detail.TypeName()]
            message = message_factory.GetMessageClass(kind).FromString(detail.value)
            found[kind.full_name] = printed(message)
    return found


def receive(call: dict, stub_method, request, streaming: bool, messages: list):
    """Adds what is received to the messages and gives the call that knows the metadata."""
    options = {
        "metadata": outgoing(call["metadata"]),
        "timeout": call["timeoutMs"] / 1000 if call["timeoutMs"] > 0 else None,
        "compression": grpc.Compression.Gzip if call["compress"] else None,
    }
    if not streaming:
        message, made = stub_method.with_call(request, **options)
        messages.append(printed(message))
        return made
    made = stub_method(request, **options)
    for message in made:
        messages.append(printed(message))
        if len(messages) == call["take"]:
            made.cancel()
    return made


def make(call: dict, channels: dict, pool, validator) -> dict:
    channel = channels.setdefault(call["address"], grpc.insecure_channel(call["address"]))
    method = pool.FindServiceByName(f"cqc.services.v1.{call['service']}").methods_by_name[call["method"]]
    kind = message_factory.GetMessageClass(method.input_type)
    request = kind.FromString(base64.b64decode(call["request"]))
    stub_method = getattr(STUBS[call["service"]](channel), call["method"])
    messages = []
    answer = {
        "name": call["name"],
        "code": 0,
        "text": "",
        "messages": messages,
        "details": {},
        "rules": broken_rules(validator, request) if call["check"] else [],
    }
    try:
        made = receive(call, stub_method, request, method.server_streaming, messages)
    except grpc.RpcError as error:
        made = error
        answer["code"] = error.code().value[0]
        answer["text"] = error.details()
        answer["details"] = details_of(error)
    answer["header"] = wanted(made.initial_metadata(), call["names"])
    answer["trailer"] = wanted(made.trailing_metadata(), call["names"])
    return answer


def main() -> None:
    for module in pkgutil.walk_packages(cqc.__path__, "cqc."):
        importlib.import_module(module.name)
    pool = symbol_database.Default().pool
    validator = protovalidate.Validator()
    channels: dict = {}
    for line in sys.stdin:
        print(json.dumps(make(json.loads(line), channels, pool, validator)), flush=True)
    for channel in channels.values():
        channel.close()


if __name__ == "__main__":
    main()
