"""Runs the vectors in Python and prints one line a vector, as the runners of the other languages do."""

import base64
import importlib
import json
import pathlib
import pkgutil
import re
import sys
import zlib

import cqc
import protovalidate
from google.protobuf import json_format, message, message_factory, symbol_database

MANY = 50


def path_of(field) -> str:
    text = ""
    for element in field.elements:
        text += ("." if text else "") + element.field_name
        kind = element.WhichOneof("subscript")
        if kind == "index":
            text += f"[{element.index}]"
        elif kind == "string_key":
            text += f"[{json.dumps(element.string_key, ensure_ascii=False)}]"
        elif kind is not None:
            text += f"[{getattr(element, kind)}]"
    return text


def broken_rules(validator, decoded) -> list[str]:
    found = validator.collect_violations(decoded)
    rules = [f"{path_of(each.proto.field)} {each.proto.rule_id}" for each in found]
    if len(rules) <= MANY:
        return sorted(rules)
    return sorted({re.sub(r"\[[0-9]+\]", "[*]", rule) for rule in rules})


def encoded(decoded) -> str:
    return base64.b64encode(decoded.SerializeToString(deterministic=True)).decode()


def answer_of(vector, kind, validator) -> dict:
    answer = {"type": vector["type"], "name": vector["name"]}
    data = base64.b64decode(vector.get("bytes", ""))
    if "deflated" in vector:
        data = zlib.decompress(base64.b64decode(vector["deflated"]), -zlib.MAX_WBITS)
    try:
        decoded = kind.FromString(data)
    except message.DecodeError:
        answer["refused"] = True
        return answer
    answer["json"] = json_format.MessageToDict(decoded, preserving_proto_field_name=True)
    answer["bytes"] = encoded(decoded)
    answer["rules"] = broken_rules(validator, decoded)
    if "json" in vector:
        parsed = json_format.ParseDict(vector["json"], kind())
        answer["fromJson"] = encoded(parsed)
    return answer


def main() -> None:
    for module in pkgutil.walk_packages(cqc.__path__, "cqc."):
        importlib.import_module(module.name)
    pool = symbol_database.Default().pool
    validator = protovalidate.Validator()
    for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        for line in file.read_text(encoding="utf-8").splitlines():
            vector = json.loads(line)
            kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(vector["type"]))
            print(json.dumps(answer_of(vector, kind, validator)))


if __name__ == "__main__":
    main()
