"""Every route with an id or uuid in its path answers 404 for one that does not exist."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import Api

SEGMENTS = [
    *(
        "999999",
        "abc",
        "0",
        "-1",
        "0{id}",
        "{id}.0",
        "+{id}",
        "٣",
        "%00",
        "%F0%9F%98%80",
        "x" * 300,
    ),
    *(str(2**63), "99999999999999999999", "b1946ac9-2f5c-4f4e-9d6a-3f1d1f1f2a11"),
]


def operations(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and body of every operation with a path parameter, from the document."""
    for path, methods in api.client.get("/openapi.json").json["paths"].items():
        for method in {"get", "put", "post", "delete"} & methods.keys():
            content = methods[method].get("requestBody", {}).get("content", {})
            example = content.get("application/json", {}).get("example")
            if "{" in path:
                yield method, path.removeprefix("/api/v1"), {"json": example} if example else {}


@pytest.mark.parametrize("segment", SEGMENTS)
def test_missing_resource_is_not_found(api: Api, segment: str) -> None:
    existing = api.make_contact()["id"]
    for method, path, body in operations(api):
        names = re.findall(r"{(\w+)}", path)
        for name in names:
            values = dict.fromkeys(names, existing) | {name: segment.format(id=existing)}
            answer = api.call(method, path.format_map(values), 404, **body)
            assert answer.json["data"]["type"] == "NotFoundError", (method, path)
    assert api.get("/contacts")["total"] == 1


def test_input_is_checked_before_existence(api: Api) -> None:
    for method, path, body in operations(api):
        missing = re.sub(r"{\w+}", "999999", path)
        api.call(method, f"{missing}?unknown=1", 400, **body)
        if body:
            api.call(method, missing, 400, json={"unknown": 1})
