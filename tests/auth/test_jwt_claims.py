"""What a JWT must say to be accepted, and for whom it speaks."""

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.auth.principal import SCOPES
from contacts_service.errors import AuthError
from tests.client import Api
from tests.conftest import make_app
from tests.jwt_signing import (
    SECRET,
    claims,
    hs256,
    verifier,
    with_payload,
)


def repeatable(value: object) -> str:
    """A name for a case that is the same in every process: no times, sets in order."""
    if isinstance(value, set | frozenset):
        return " ".join(sorted(value)) or "none"
    return re.sub(r"\d{9,}(\.\d+)?|0x[0-9a-f]+", "x", str(value))


READ_AND_WRITE = {"contacts:read", "contacts:write"}
NOT_A_JWT = "not a JWT"
NOT_ACCEPTED = "key and algorithm"

BAD_TOKENS: dict[str, tuple[Callable[[], str], str]] = {
    "empty": (lambda: "", NOT_A_JWT),
    "one segment": (lambda: "abc", NOT_A_JWT),
    "two segments": (lambda: hs256(claims()).rpartition(".")[0], NOT_A_JWT),
    "four segments": (lambda: hs256(claims()) + ".abc", NOT_A_JWT),
    "five segments": (lambda: "a.b.c.d.e", NOT_A_JWT),
    "dots": (lambda: "...", NOT_A_JWT),
    "garbage": (lambda: "!!!.???.###", NOT_A_JWT),
    "unicode": (lambda: "é" + hs256(claims()), NOT_A_JWT),
    "lone surrogate": (lambda: hs256(claims()) + "\ud800", NOT_A_JWT),
    "over 8 KiB": (lambda: hs256(claims(pad="x" * 6200)), "longer than 8192"),
    "header is a list": (lambda: hs256(claims(), ["HS256"]), NOT_A_JWT),
    "header is not JSON": (lambda: hs256(claims(), b"{"), NOT_A_JWT),
    "header is not UTF-8": (lambda: hs256(claims(), b'{"alg":"HS256\xff"}'), NOT_A_JWT),
    "header nested deeply": (lambda: hs256(claims(), b"[" * 5000), NOT_A_JWT),
    "header with huge number": (lambda: hs256(claims(), b'{"x":' + b"9" * 5000), NOT_A_JWT),
    "no alg": (lambda: hs256(claims(), {}), NOT_ACCEPTED),
    "alg is none": (lambda: hs256(claims(), {"alg": "none"}), NOT_ACCEPTED),
    "alg in small letters": (lambda: hs256(claims(), {"alg": "hs256"}), NOT_ACCEPTED),
    "alg is a list": (lambda: hs256(claims(), {"alg": ["HS256"]}), NOT_ACCEPTED),
    "alg is a number": (lambda: hs256(claims(), {"alg": 256}), NOT_ACCEPTED),
    "alg is an object": (lambda: hs256(claims(), {"alg": {}}), NOT_ACCEPTED),
    "kid is a number": (lambda: hs256(claims(), {"alg": "HS256", "kid": 1}), NOT_A_JWT),
    "kid is a list": (lambda: hs256(claims(), {"alg": "HS256", "kid": ["a"]}), NOT_A_JWT),
    "kid is an object": (lambda: hs256(claims(), {"alg": "HS256", "kid": {}}), NOT_A_JWT),
    "crit unknown": (lambda: hs256(claims(), {"alg": "HS256", "crit": ["x"], "x": 1}), NOT_A_JWT),
    "crit not a list": (lambda: hs256(claims(), {"alg": "HS256", "crit": "b64"}), NOT_A_JWT),
    "crit b64": (
        lambda: hs256(claims(), {"alg": "HS256", "crit": ["b64"], "b64": True}),
        "extension",
    ),
    "b64 false": (lambda: hs256(claims(), {"alg": "HS256", "b64": False}), NOT_A_JWT),
    "b64 false, detached": (
        lambda: hs256(b"", {"alg": "HS256", "crit": ["b64"], "b64": False}),
        "extension",
    ),
    "other secret": (lambda: hs256(claims(), secret="x" * 32), "signature is wrong"),
    "no signature": (lambda: hs256(claims()).rpartition(".")[0] + ".", "signature is wrong"),
    "payload exchanged": (lambda: with_payload(hs256(claims()), claims(sub="1")), "signature"),
    "payload is a list": (lambda: hs256([claims()]), NOT_A_JWT),
    "payload is not JSON": (lambda: hs256(b"{"), NOT_A_JWT),
    "payload is not UTF-8": (lambda: hs256(b'{"sub":"\xff"}'), NOT_A_JWT),
    "payload nested deeply": (lambda: hs256(b'{"sub":' + b"[" * 5000), NOT_A_JWT),
    "payload with huge number": (lambda: hs256(b'{"exp":' + b"9" * 5000 + b"}"), NOT_A_JWT),
    "no exp": (lambda: hs256(claims(exp=...)), "lacks the claim exp"),
    "exp null": (lambda: hs256(claims(exp=None)), "lacks the claim exp"),
    "expired": (lambda: hs256(claims(exp=time.time() - 61)), "has expired"),
    "exp text": (lambda: hs256(claims(exp=str(int(time.time()) + 300))), "exp is not a time"),
    "exp true": (lambda: hs256(claims(exp=True)), "exp is not a time"),
    "exp list": (lambda: hs256(claims(exp=[1])), "exp is not a time"),
    "exp NaN": (lambda: hs256(claims(exp=float("nan"))), "exp is not a time"),
    "exp 1e400": (lambda: hs256(b'{"sub":"17","exp":1e400}'), "exp is not a time"),
    "exp -Infinity": (lambda: hs256(claims(exp=-float("inf"))), "exp is not a time"),
    "exp 10**400": (lambda: hs256(claims(exp=10**400)), "exp is not a time"),
    "not valid yet": (lambda: hs256(claims(nbf=time.time() + 90)), "not valid yet"),
    "nbf text": (lambda: hs256(claims(nbf="1")), "nbf is not a time"),
    "nbf null": (lambda: hs256(claims(nbf=None)), "nbf is not a time"),
    "no sub": (lambda: hs256(claims(sub=...)), "lacks the claim sub"),
    "sub null": (lambda: hs256(claims(sub=None)), "lacks the claim sub"),
    "sub empty": (lambda: hs256(claims(sub="")), "sub is empty"),
    "sub blank": (lambda: hs256(claims(sub=" ")), "sub is empty"),
    "sub true": (lambda: hs256(claims(sub=True)), "neither text nor a whole number"),
    "sub a fraction": (lambda: hs256(claims(sub=17.0)), "neither text nor a whole number"),
    "sub a list": (lambda: hs256(claims(sub=["17"])), "neither text nor a whole number"),
    "sub too long": (lambda: hs256(claims(sub="x" * 256)), "longer than 255"),
    "sub too long a number": (lambda: hs256(claims(sub=10**255)), "longer than 255"),
    "sub with newline": (lambda: hs256(claims(sub="17\n")), "control characters"),
    "sub with NUL": (lambda: hs256(claims(sub="1\x007")), "control characters"),
    "sub with C1": (lambda: hs256(claims(sub="17\x85")), "control characters"),
    "sub with lone surrogate": (lambda: hs256(claims(sub="\ud800")), "control characters"),
}


@pytest.mark.parametrize(("token", "message"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_bad_token_is_refused(token: Callable[[], str], message: str) -> None:
    with pytest.raises(AuthError, match=message) as refusal:
        verifier(secret=SECRET).verify(token())
    assert "Bearer" in refusal.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": time.time() + 10**9},
        {"iat": "yesterday"},
        {"iat": time.time() + 10**6},
        {"jti": 17},
        {"aud": "elsewhere", "iss": ["anyone"]},
        {"nbf": 0},
        {"nbf": time.time() - 0.5},
    ],
    ids=repeatable,
)
def test_claims_that_are_not_required_are_not_judged(changes: dict[str, Any]) -> None:
    assert verifier(secret=SECRET).verify(hs256(claims(**changes))).agent_id == "17"


@pytest.mark.parametrize("changes", [{"exp": -50}, {"nbf": 50}, {"exp": 0.5}], ids=repeatable)
def test_clocks_may_differ_by_less_than_a_minute(changes: dict[str, float]) -> None:
    times = {claim: time.time() + seconds for claim, seconds in changes.items()}
    assert verifier(secret=SECRET).verify(hs256(claims(**times))).agent_id == "17"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iss": "gateway", "aud": "contacts"}, None),
        ({"iss": "gateway", "aud": ["billing", "contacts"]}, None),
        ({"iss": ..., "aud": "contacts"}, "lacks the claim iss"),
        ({"iss": None, "aud": "contacts"}, "another issuer"),
        ({"iss": "other", "aud": "contacts"}, "another issuer"),
        ({"iss": ["gateway"], "aud": "contacts"}, "another issuer"),
        ({"iss": "gateway", "aud": ...}, "lacks the claim aud"),
        ({"iss": "gateway", "aud": []}, "lacks the claim aud"),
        ({"iss": "gateway", "aud": "contacts-too"}, "another audience"),
        ({"iss": "gateway", "aud": {"contacts": 1}}, "another audience"),
        ({"iss": "gateway", "aud": ["contacts", 17]}, "another audience"),
    ],
    ids=repeatable,
)
def test_issuer_and_audience_are_checked_when_configured(
    changes: dict[str, Any], message: str | None
) -> None:
    made = verifier(secret=SECRET, issuer="gateway", audience="contacts")
    token = hs256(claims(**changes))
    if message is None:
        assert made.verify(token).agent_id == "17"
    else:
        with pytest.raises(AuthError, match=message):
            made.verify(token)


@pytest.mark.parametrize(
    ("given", "scopes"),
    [
        ({"scope": "contacts:read contacts:write"}, READ_AND_WRITE),
        ({"scope": "contacts:read  openid contacts:Read"}, {"contacts:read"}),
        ({"scope": ["contacts:read", "x"]}, {"contacts:read"}),
        ({"scope": ["contacts:read contacts:write"]}, set()),
        ({"scope": None}, set()),
        ({"scope": ...}, set()),
        ({"scope": None, "scp": "contacts:read contacts:write"}, READ_AND_WRITE),
        ({"scope": ..., "scp": ["contacts:read"]}, {"contacts:read"}),
        ({"scope": ..., "scopes": "contacts:read contacts:write"}, READ_AND_WRITE),
        ({"scope": ..., "scopes": {"contacts:read": True}}, set()),
        ({"scope": ..., "scopes": 17}, set()),
        (
            {"scope": ..., "permissions": [17, ["x"], {}, None, "contacts:block"]},
            {"contacts:block"},
        ),
        ({"scope": "contacts:read", "scp": "contacts:write"}, {"contacts:read"}),
        ({"scope": "", "scopes": ["contacts:write"]}, set()),
        ({"scope": ..., "scp": ["x"], "permissions": ["contacts:read"]}, set()),
        ({"scope": " ".join(SCOPES)}, set(SCOPES)),
    ],
    ids=repeatable,
)
def test_scopes_are_the_known_ones_of_the_first_claim_that_is_there(
    given: dict[str, Any], scopes: set[str]
) -> None:
    assert verifier(secret=SECRET).verify(hs256(claims(**given))).scopes == scopes


@pytest.mark.parametrize(
    ("given", "agent_id", "agent_name"),
    [
        ({"sub": "17"}, "17", "17"),
        ({"sub": 17}, "17", "17"),
        ({"sub": 0}, "0", "0"),
        ({"sub": 2**70}, str(2**70), str(2**70)),
        ({"sub": "é" * 255}, "é" * 255, "é" * 255),
        ({"sub": "auth0|17", "name": "Bob Smith"}, "auth0|17", "Bob Smith"),
        ({"name": "  Bob\n\x00 Smith\x9f\ud800 "}, "17", "Bob Smith"),
        ({"name": "王小明"}, "17", "王小明"),
        ({"name": "x" * 300}, "17", "x" * 255),
        ({"name": ""}, "17", "17"),
        ({"name": " \t\x00 "}, "17", "17"),
        ({"name": 17}, "17", "17"),
        ({"name": ["Bob"]}, "17", "17"),
        ({"name": None}, "17", "17"),
    ],
    ids=repeatable,
)
def test_agent_is_sub_and_its_name_is_name_or_sub(
    given: dict[str, Any], agent_id: str, agent_name: str
) -> None:
    principal = verifier(secret=SECRET).verify(hs256(claims(**given)))

    assert (principal.agent_id, principal.agent_name) == (agent_id, agent_name)


@pytest.fixture
def own_app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, CONTACTS_JWT_SECRET=SECRET)


def caller(app: Flask, **changes: Any) -> Api:
    """A caller whose token has these claims."""
    scopes = "contacts:write contact_notes:write contact_notes:read"
    return Api(app.test_client(), hs256(claims(scope=scopes, **changes)))


def agents_in(log: io.StringIO) -> list[str | None]:
    return [json.loads(line)["agent"] for line in log.getvalue().rstrip("\n").split("\n")]


def test_agent_with_control_characters_writes_nothing(own_app: Flask, log: io.StringIO) -> None:
    path = f"/contacts/{caller(own_app).make_contact()['id']}/notes"
    answer = caller(own_app, sub="\x1b[31m17").call("POST", path, 401, json={"content": "Called."})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert caller(own_app).get(path)["total"] == 0
    assert agents_in(log) == ["17", None, "17"]


@pytest.mark.parametrize(
    "agent", ["auth0|17", "王小明", "O'Hara %s \\x00", "17\u2028\u202e", "😀" * 255]
)
def test_any_other_agent_writes_and_is_logged_as_it_is(
    own_app: Flask, log: io.StringIO, agent: str
) -> None:
    path = f"/contacts/{caller(own_app).make_contact()['id']}/notes"
    note = caller(own_app, sub=agent).post(path, {"content": "Called."})
    assert note["author"] == {"id": agent, "name": agent}
    assert agents_in(log) == ["17", agent]
