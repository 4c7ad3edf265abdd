"""Holds requests against the OpenAPI documents with checkers that are not ours.

Reads {"documents": {name: document}, "requests": [{"document", "method", "path", "query", "body"}]},
prints {"problems": {name: [text]}, "answers": [text]}: what is wrong with each document, and with each
request; an empty text when nothing is.
"""
import json
import re
import sys

from jsonschema import ValidationError
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest
from openapi_schema_validator import OAS30WriteValidator
from openapi_spec_validator import OpenAPIV30SpecValidator


def pattern(validator, wanted, instance, schema):
    """Patterns are those of ECMAScript, where `$` is the end; Python lets a newline follow it."""
    text = wanted[:-1] + r"\Z" if wanted.endswith("$") else wanted
    if validator.is_type(instance, "string") and not re.search(text, instance):
        yield ValidationError(f"{instance!r} does not match {wanted!r}")


def problems(document):
    try:
        return [error.message for error in OpenAPIV30SpecValidator(document).iter_errors()]
    except Exception as error:  # What a reference to nothing makes of it.
        return [type(error).__name__]


def answer(checker, request):
    body = request["body"]
    mock = MockRequest(
        "http://localhost",
        request["method"],
        request["path"],
        args=request["query"],
        headers={"x-api-key": "key"},
        data=None if body is None else json.dumps(body).encode(),
    )
    errors = list(checker.iter_request_errors(mock))
    return "; ".join(f"{type(each).__name__}: {each.__cause__ or each}"[:300] for each in errors)


OAS30WriteValidator.VALIDATORS["pattern"] = pattern
given = json.load(sys.stdin)
documents = given["documents"]
wrong = {name: problems(document) for name, document in documents.items()}
checkers = {name: OpenAPI.from_dict(documents[name]) for name in documents if not wrong[name]}
answers = [answer(checkers[each["document"]], each) for each in given["requests"]]
json.dump({"problems": wrong, "answers": answers}, sys.stdout)
