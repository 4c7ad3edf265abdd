"""Reads and writes events on Kafka in Python, with the generated code.

bus_peer.py read BROKERS TOPICS COUNT  prints COUNT records of the topics, one line each
bus_peer.py write BROKERS              writes the events that come in as lines and prints where each landed
"""

import importlib
import json
import os
import pkgutil
import sys
import time
from datetime import timezone

import confluent_kafka
import cqc
import protovalidate
from google.protobuf import json_format, message_factory, symbol_database

from vectors import broken_rules

LIMIT_S = 60


def new_event(name: str):
    found = symbol_database.Default().pool.FindMessageTypeByName(name)
    return message_factory.GetMessageClass(found)()


def time_of(event) -> str:
    return event.timestamp.ToDatetime(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(record, validator) -> dict:
    headers = {name: value.decode() for name, value in record.headers() or []}
    event = new_event(headers["ce_type"])
    event.ParseFromString(record.value())
    key = record.key()
    return {
        "topic": record.topic(),
        "partition": record.partition(),
        "offset": record.offset(),
        "key": None if key is None else key.decode(),
        "headers": headers,
        "event_id": event.event_id,
        "actor_id": event.actor_id,
        "time": time_of(event),
        "event": json_format.MessageToDict(event, preserving_proto_field_name=True),
        "rules": broken_rules(validator, event),
    }


def read_all(brokers: str, topics: list[str], count: int) -> None:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "bus_peer",  # Nothing is joined and nothing is committed.
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign(
        [
            confluent_kafka.TopicPartition(topic, partition, confluent_kafka.OFFSET_BEGINNING)
            for topic in topics
            for partition in consumer.list_topics(topic, timeout=LIMIT_S).topics[topic].partitions
        ]
    )
    validator = protovalidate.Validator()
    end = time.monotonic() + LIMIT_S
    while count > 0:
        if time.monotonic() > end:
            raise TimeoutError(f"{count} records are missing")
        record = consumer.poll(1)
        if record is None:
            continue
        if record.error() is not None:
            raise confluent_kafka.KafkaException(record.error())
        print(json.dumps(read(record, validator)))
        count -= 1
    consumer.close()


def write_all(brokers: str) -> None:
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": brokers,
            # What Java does by default; this client would take CRC32.
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "compression.type": os.environ.get("BUS_PEER_COMPRESSION") or "none",
        }
    )
    places: list = []

    def landed(at: int):
        def note(error, record) -> None:
            places[at] = error or {
                "topic": record.topic(),
                "partition": record.partition(),
                "offset": record.offset(),
            }

        return note

    for line in sys.stdin:
        want = json.loads(line)
        event = json_format.ParseDict(want["event"], new_event(want["type"]))
        headers = {
            "content-type": "application/protobuf",
            "ce_specversion": "1.0",
            "ce_id": event.event_id,
            "ce_source": "/python/bus_peer",
            "ce_type": want["type"],
            "ce_time": time_of(event),
        }
        key = want.get("key")
        if key is not None:
            headers["ce_partitionkey"] = key
        headers |= want.get("headers") or {}
        places.append(None)
        producer.produce(
            want["topic"],
            value=event.SerializeToString(),
            key=None if key is None else key.encode(),
            headers=[] if want.get("bare") else [(name, value.encode()) for name, value in headers.items()],
            on_delivery=landed(len(places) - 1),
        )
        producer.poll(0)
    producer.flush(LIMIT_S)
    for place in places:
        if not isinstance(place, dict):
            raise confluent_kafka.KafkaException(place)
        print(json.dumps(place))


def main(args: list[str]) -> None:
    for module in pkgutil.walk_packages(cqc.__path__, "cqc."):
        if module.name.endswith("_pb2"):
            importlib.import_module(module.name)
    if args[:1] == ["read"] and len(args) == 4:
        read_all(args[1], args[2].split(","), int(args[3]))
    elif args[:1] == ["write"] and len(args) == 2:
        write_all(args[1])
    else:
        raise SystemExit("wanted: read BROKERS TOPICS COUNT, or write BROKERS")


if __name__ == "__main__":
    main(sys.argv[1:])
