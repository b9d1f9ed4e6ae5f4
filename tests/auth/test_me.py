"""Whom a token stands for."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.auth import api_keys as keys
from contacts_service.db.session import unit_of_work
from contacts_service.timestamps import parse_timestamp
from tests.client import Api
from tests.conftest import make_app
from tests.jwt_signing import SECRET, claims, hs256

SCOPES = ["contacts:write", "contacts:read"]


@pytest.mark.parametrize("lifetime", [None, timedelta(days=1)])
def test_a_key_tells_its_agent_scopes_and_end(app: Flask, lifetime: timedelta | None) -> None:
    with app.app_context(), unit_of_work() as session:
        key = keys.create_key(session, "17", "Bob Smith", SCOPES, lifetime)
    answer = Api(app.test_client(), key).get("/me")
    expires_at = answer.pop("expires_at")
    assert answer == {"agent": {"id": "17", "name": "Bob Smith"}, "scopes": sorted(SCOPES)}
    if lifetime is None:
        assert expires_at is None
    else:
        left = parse_timestamp(expires_at) - datetime.now(UTC)
        assert timedelta(hours=23) < left <= lifetime


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(Path(tmp_path_factory.mktemp("gateway")), CONTACTS_JWT_SECRET=SECRET)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": 4102444800}, {"expires_at": "2100-01-01T00:00:00.000000Z"}),
        ({"exp": 4102444800.25}, {"expires_at": "2100-01-01T00:00:00.250000Z"}),
        ({"exp": 2**62}, {"expires_at": None}),
        ({"name": "Bob"}, {"agent": {"id": "17", "name": "Bob"}}),
        ({"sub": 17}, {"agent": {"id": "17", "name": "17"}}),
        ({"scope": "contacts:write x contacts:read"}, {"scopes": sorted(SCOPES)}),
        ({"scope": ...}, {"scopes": []}),
    ],
)
def test_a_jwt_tells_its_claims(
    gateway: Flask, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    token = hs256(claims(**{"exp": int(time.time()) + 600, **changes}))
    answer = Api(gateway.test_client(), token).get("/me")
    assert {name: answer[name] for name in expected} == expected
