"""Which JWTs are accepted, and for whom they speak."""

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contacts_service.auth.principal import SCOPES, Principal
from contacts_service.errors import AuthError
from tests.jwt_signing import (
    EC,
    EC_384,
    EC_521,
    ED25519,
    LONG_SECRET,
    RSA,
    RSA_TWO,
    SECRET,
    SHORT_RSA,
    as_jwk,
    claims,
    encode,
    hs256,
    is_refused,
    jwk,
    jwks_file,
    old_token,
    pem_file,
    public_pem,
    signed,
    verifier,
    with_payload,
)


def repeatable(value: object) -> str:
    """A name for a case that is the same in every process: no times, sets in order."""
    if isinstance(value, set | frozenset):
        return " ".join(sorted(value)) or "none"
    return re.sub(r"\d{9,}(\.\d+)?|0x[0-9a-f]+", "x", str(value))


@pytest.mark.parametrize(
    ("settings", "token"),
    [
        ({"secret": SECRET}, lambda: hs256(claims())),
        ({"secret": LONG_SECRET, "algorithms": "HS512"}, lambda: signed(LONG_SECRET, "HS512")),
        ({"public_key": public_pem(RSA)}, lambda: signed(RSA, "RS256")),
        ({"public_key": public_pem(RSA), "algorithms": "PS256"}, lambda: signed(RSA, "PS256")),
        ({"public_key": public_pem(EC)}, lambda: signed(EC, "ES256")),
        ({"public_key": public_pem(EC_384)}, lambda: signed(EC_384, "ES384")),
        ({"public_key": public_pem(EC_521)}, lambda: signed(EC_521, "ES512")),
        ({"public_key": public_pem(ED25519)}, lambda: signed(ED25519, "EdDSA", kid="any")),
    ],
)
def test_each_kind_of_key_accepts_a_good_token(
    settings: dict[str, str], token: Callable[[], str]
) -> None:
    expected = Principal("17", "17", frozenset({"contacts:read"}))
    assert verifier(**settings).verify(token()) == expected


def test_public_key_may_be_the_path_of_a_file(tmp_path: Path) -> None:
    made = verifier(public_key=pem_file(tmp_path, public_pem(EC)))

    assert made.verify(signed(EC, "ES256")).agent_id == "17"
    assert is_refused(made, signed(ec.generate_private_key(ec.SECP256R1()), "ES256"))


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED25519, "EdDSA")], ids=repeatable
)
def test_jwks_accepts_by_default(key: Any, algorithm: str, tmp_path: Path) -> None:
    made = verifier(jwks=jwks_file(tmp_path, jwk(key, kid="one")))

    assert made.verify(signed(key, algorithm, "one")).agent_id == "17"


@pytest.mark.parametrize(
    ("settings", "token"),
    [
        ({"secret": LONG_SECRET}, lambda: signed(LONG_SECRET, "HS512")),
        ({"public_key": public_pem(RSA)}, lambda: signed(RSA, "PS256")),
        ({"public_key": public_pem(RSA), "algorithms": "RS512"}, lambda: signed(RSA, "RS256")),
        ({"public_key": public_pem(EC)}, lambda: signed(EC_384, "ES384")),
        ({"public_key": public_pem(RSA)}, lambda: signed(EC, "ES256")),
        ({"public_key": public_pem(RSA)}, lambda: hs256(claims(), secret=public_pem(RSA))),
        ({"public_key": public_pem(RSA)}, lambda: signed(None, "none")),
        ({"secret": SECRET}, lambda: signed(None, "none")),
        ({"secret": SECRET}, lambda: signed(RSA, "RS256")),
    ],
)
def test_algorithms_come_from_the_configuration_only(
    settings: dict[str, str], token: Callable[[], str]
) -> None:
    with pytest.raises(AuthError, match="key and algorithm"):
        verifier(**settings).verify(token())


@pytest.mark.parametrize(
    ("keys", "token"),
    [
        ([jwk(RSA, kid="one")], lambda: signed(EC, "ES256", "one")),
        ([jwk(RSA, kid="one")], lambda: signed(RSA, "PS256", "one")),
        ([jwk(RSA, kid="one", alg="RS512")], lambda: signed(RSA, "RS256", "one")),
        ([jwk(RSA, kid="one", use="enc")], lambda: signed(RSA, "RS256", "one")),
        ([as_jwk(RSA) | {"kid": "one"}], lambda: signed(RSA, "RS256", "one")),
        ([as_jwk(EC) | {"kid": "one"}], lambda: signed(EC, "ES256", "one")),
        ([jwk(SHORT_RSA, kid="one")], lambda: signed(SHORT_RSA, "RS256", "one")),
        (
            [{"kty": "oct", "kid": "one", "k": encode(SECRET.encode()), "alg": "HS256"}],
            lambda: hs256(claims(), {"alg": "HS256", "kid": "one"}),
        ),
        (
            [jwk(RSA, kid="one")],
            lambda: hs256(claims(), {"alg": "HS256", "kid": "one"}, public_pem(RSA)),
        ),
    ],
    ids=["type", "default", "alg", "use", "private RSA", "private EC", "short", "oct", "confusion"],
)
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_jwks_key_serves_only_what_it_is_for(
    keys: list[dict[str, Any]], token: Callable[[], str], tmp_path: Path
) -> None:
    others = [jwk(ED25519, kid="other")]
    with pytest.raises(AuthError, match="key and algorithm"):
        verifier(jwks=jwks_file(tmp_path, *keys, *others)).verify(token())


@pytest.mark.parametrize(
    ("members", "is_accepted"),
    [
        ({"alg": "RS256", "use": "sig"}, True),
        ({"alg": None, "use": None}, True),
        ({"alg": "RS384"}, False),
    ],
)
def test_jwk_members_narrow_its_use(
    members: dict[str, Any], is_accepted: bool, tmp_path: Path
) -> None:
    path = jwks_file(tmp_path, jwk(RSA, kid="one", **members), jwk(EC, kid="other"))
    assert is_refused(verifier(jwks=path), old_token()) is not is_accepted


def test_damaged_keys_in_a_jwks_do_not_spoil_the_others(tmp_path: Path) -> None:
    damaged = [
        17,
        {},
        {"kty": ["RSA"]},
        {"kty": "oct"},
        {"kty": "RSA", "n": 1, "e": {}},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": None},
        jwk(EC, kid=["two"], alg=["ES256"]),
    ]
    made = verifier(jwks=jwks_file(tmp_path, *damaged, jwk(RSA, kid="one")))

    assert made.verify(old_token()).agent_id == "17"


def test_token_without_kid_needs_exactly_one_suitable_key(tmp_path: Path) -> None:
    without_kid = signed(RSA, "RS256")
    one = verifier(jwks=jwks_file(tmp_path, jwk(RSA, kid="one"), jwk(EC, kid="two")))
    two = verifier(jwks=jwks_file(tmp_path, jwk(RSA, kid="one"), jwk(RSA_TWO, kid="two")))

    assert one.verify(without_kid).agent_id == "17"
    assert is_refused(two, without_kid)


@pytest.mark.filterwarnings("error")
def test_short_secret_works_and_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    made = verifier(secret="short")
    for _ in range(3):
        assert made.verify(hs256(claims(), secret="short")).agent_id == "17"

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "CONTACTS_JWT_SECRET" in caplog.text
    assert is_refused(made, hs256(claims(), secret="shorter"))


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
        ({"scope": "contacts:read contacts:write"}, {"contacts:read", "contacts:write"}),
        ({"scope": "contacts:read  openid contacts:Read"}, {"contacts:read"}),
        ({"scope": ["contacts:read"]}, set()),
        ({"scope": None}, set()),
        ({"scope": ...}, set()),
        ({"scope": ..., "scopes": ["contacts:read", "x"]}, {"contacts:read"}),
        ({"scope": ..., "scopes": "contacts:read"}, set()),
        ({"scope": ..., "scopes": {"contacts:read": True}}, set()),
        ({"scope": ..., "scopes": ["contacts:read contacts:write"]}, set()),
        (
            {"scope": ..., "permissions": [17, ["x"], {}, None, "contacts:block"]},
            {"contacts:block"},
        ),
        (
            {
                "scope": "contacts:read",
                "scopes": ["contacts:write"],
                "permissions": ["contacts:block", "contacts:read"],
            },
            {"contacts:read", "contacts:write", "contacts:block"},
        ),
        ({"scope": " ".join(SCOPES)}, set(SCOPES)),
    ],
    ids=repeatable,
)
def test_scopes_are_the_known_ones_of_all_three_claims(
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
