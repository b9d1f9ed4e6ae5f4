"""Which JWTs are accepted, for whom they speak, and how the keys that check them are renewed."""

import base64
import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from contacts_service import jwt_keys
from contacts_service.config import SettingsError, load_settings
from contacts_service.errors import AuthError, UnavailableError
from contacts_service.jwt_tokens import JwtVerifier, jwt_verifier
from contacts_service.principal import SCOPES, Principal


def repeatable(value: object) -> str:
    """A name for a case that is the same in every process: no times, sets in order."""
    if isinstance(value, set | frozenset):
        return " ".join(sorted(value)) or "none"
    return re.sub(r"\d{9,}(\.\d+)?|0x[0-9a-f]+", "x", str(value))


SECRET = "a shared secret of 32 bytes, yes"
LONG_SECRET = SECRET * 2
RSA = rsa.generate_private_key(65537, 2048)
RSA_TWO = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
EC_521 = ec.generate_private_key(ec.SECP521R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
SHORT_RSA = rsa.generate_private_key(65537, 1024)

MINUTE = 60.0

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


def verifier(clock: Callable[[], float] = time.monotonic, **settings: str) -> JwtVerifier:
    """The verifier of CONTACTS_JWT_<NAME>=value settings."""
    environ = {f"CONTACTS_JWT_{name.upper()}": value for name, value in settings.items()}
    made = jwt_verifier(load_settings(environ), clock=clock)
    assert made is not None
    return made


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token with `changes`; what is changed to `...` is left out."""
    good = {"exp": int(time.time()) + 300, "sub": "17", "scope": "contacts:read"} | changes
    return {name: value for name, value in good.items() if value is not ...}


def encode(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(payload: Any, header: Any = None, secret: str | bytes = SECRET) -> str:
    """A token with a true HS256 signature, whatever its parts say; bytes are taken as they are."""
    key = secret if isinstance(secret, bytes) else secret.encode()
    signed = f"{encode({'alg': 'HS256'} if header is None else header)}.{encode(payload)}"
    return f"{signed}.{encode(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def with_payload(token: str, payload: Any) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{encode(payload)}.{signature}"


def signed(key: Any, algorithm: str, kid: str | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, {"kid": kid} if kid else None)


def public_pem(key: Any) -> str:
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(key: Any, **members: Any) -> dict[str, Any]:
    return as_jwk(key.public_key()) | members


def as_jwk(key: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        members = RSAAlgorithm.to_jwk(key, as_dict=True)
        del members["key_ops"]
        return members
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    return OKPAlgorithm.to_jwk(key, as_dict=True)


def jwks_file(folder: Path, *keys: dict[str, Any]) -> str:
    path = folder / "jwks.json"
    path.write_text(json.dumps({"keys": keys}))
    return str(path)


def pem_file(folder: Path, pem: str) -> str:
    path = folder / "key.pem"
    path.write_text(pem)
    return str(path)


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class JwksEndpoint:
    """A JWKS document on 127.0.0.1: counts its requests, and can fail, hang and trickle."""

    def __init__(self) -> None:
        self.document = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.count = 0
        self.is_trickling = False
        self.arrived = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.count += 1
                endpoint.arrived.set()
                endpoint.gate.wait(20)
                self.send_response(endpoint.status)
                for name, value in endpoint.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if endpoint.is_trickling:
                    self.trickle()
                else:
                    self.wfile.write(endpoint.document)

            def trickle(self) -> None:
                try:
                    for _ in range(400):
                        self.wfile.write(b" ")
                        time.sleep(0.05)
                except OSError:
                    pass  # the reader has left

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def publish(self, *keys: dict[str, Any]) -> None:
        self.document = json.dumps({"keys": keys}).encode()

    def hold(self) -> None:
        """Let no request be answered until `release`."""
        self.arrived.clear()
        self.gate.clear()

    def release(self) -> None:
        self.gate.set()

    def close(self) -> None:
        self.release()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[JwksEndpoint]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    endpoint = JwksEndpoint()
    endpoint.publish(jwk(RSA, kid="one"))
    yield endpoint
    endpoint.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def old_token() -> str:
    return signed(RSA, "RS256", "one")


def new_token() -> str:
    return signed(RSA_TWO, "RS256", "two")


def is_refused(verifier: JwtVerifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except AuthError:
        return True
    return False


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


def test_no_key_means_no_verifier() -> None:
    assert jwt_verifier(load_settings({})) is None


PEM_OF_NO_USE = public_pem(ed448.Ed448PrivateKey.generate())

BAD_SETTINGS: list[tuple[dict[str, str], str, str]] = [
    ({"secret": SECRET, "public_key": public_pem(RSA)}, "SECRET and CONTACTS_JWT_PUBLIC", "keep"),
    ({"secret": SECRET, "jwks": "http://x/"}, "CONTACTS_JWT_SECRET and CONTACTS_JWT_JWKS", "keep"),
    ({"algorithms": "RS256"}, "CONTACTS_JWT_ALGORITHMS", "but no key"),
    ({"issuer": "gateway"}, "CONTACTS_JWT_ISSUER", "but no key"),
    ({"audience": "contacts"}, "CONTACTS_JWT_AUDIENCE", "but no key"),
    ({"secret": SECRET, "algorithms": "none"}, "CONTACTS_JWT_ALGORITHMS", "choose from HS256"),
    ({"secret": SECRET, "algorithms": "HS256,RS256"}, "CONTACTS_JWT_ALGORITHMS", "RS256"),
    ({"secret": SECRET, "algorithms": "HS1"}, "CONTACTS_JWT_ALGORITHMS", "HS1"),
    ({"secret": SECRET, "algorithms": "hs256"}, "CONTACTS_JWT_ALGORITHMS", "hs256"),
    ({"secret": SECRET, "algorithms": ","}, "CONTACTS_JWT_ALGORITHMS", "nothing"),
    ({"secret": public_pem(RSA)}, "CONTACTS_JWT_SECRET", "public key"),
    ({"secret": json.dumps(jwk(EC))}, "CONTACTS_JWT_SECRET", "JWK"),
    ({"public_key": public_pem(RSA), "algorithms": "HS256"}, "CONTACTS_JWT_ALGORITHMS", "RS256"),
    ({"public_key": public_pem(RSA), "algorithms": "ES256"}, "CONTACTS_JWT_ALGORITHMS", "RS256"),
    ({"public_key": public_pem(EC_384), "algorithms": "ES256"}, "JWT_ALGORITHMS", "ES384"),
    ({"public_key": public_pem(RSA), "algorithms": "none"}, "CONTACTS_JWT_ALGORITHMS", "RS256"),
    ({"public_key": private_pem(RSA)}, "CONTACTS_JWT_PUBLIC_KEY", "private key"),
    ({"public_key": "FOLDER/private.pem"}, "CONTACTS_JWT_PUBLIC_KEY", "private key"),
    ({"public_key": "FOLDER/absent.pem"}, "CONTACTS_JWT_PUBLIC_KEY", "No such file"),
    ({"public_key": "FOLDER"}, "CONTACTS_JWT_PUBLIC_KEY", "Is a directory"),
    ({"public_key": "FOLDER/text"}, "CONTACTS_JWT_PUBLIC_KEY", "no public key"),
    ({"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA"}, "CONTACTS_JWT_PUBLIC_KEY", "no public"),
    ({"public_key": public_pem(SHORT_RSA)}, "CONTACTS_JWT_PUBLIC_KEY", "2048"),
    ({"public_key": PEM_OF_NO_USE}, "CONTACTS_JWT_PUBLIC_KEY", "Ed25519"),
    ({"jwks": "FOLDER/absent.json"}, "CONTACTS_JWT_JWKS", "No such file"),
    ({"jwks": "FOLDER/text"}, "CONTACTS_JWT_JWKS", "not a JWKS document"),
    ({"jwks": "FOLDER/list.json"}, "CONTACTS_JWT_JWKS", "not a JWKS document"),
    ({"jwks": "FOLDER/deep.json"}, "CONTACTS_JWT_JWKS", "not a JWKS document"),
    ({"jwks": "FOLDER/huge.json"}, "CONTACTS_JWT_JWKS", "1048576 bytes"),
    ({"jwks": "FOLDER/empty.json"}, "CONTACTS_JWT_JWKS", "no public key for RS256"),
    ({"jwks": "FOLDER/rsa.json", "algorithms": "ES256"}, "CONTACTS_JWT_JWKS", "for ES256"),
    ({"jwks": "FOLDER/rsa.json", "algorithms": "HS256"}, "CONTACTS_JWT_ALGORITHMS", "HS256"),
    ({"jwks": "file:///etc/passwd"}, "CONTACTS_JWT_JWKS", "https://"),
    ({"jwks": "ftp://127.0.0.1/jwks.json"}, "CONTACTS_JWT_JWKS", "https://"),
    ({"jwks": "https:///jwks.json"}, "CONTACTS_JWT_JWKS", "https://"),
    ({"jwks": "https://[x/jwks.json"}, "CONTACTS_JWT_JWKS", "https://"),
    ({"jwks": "https://x:99999/jwks.json"}, "CONTACTS_JWT_JWKS", "https://"),
    ({"jwks": "https://x/jwks json"}, "CONTACTS_JWT_JWKS", "https://"),
    ({"jwks": "https://bob:pw@x/jwks.json"}, "CONTACTS_JWT_JWKS", "https://"),
]


@pytest.mark.parametrize(("settings", "name", "advice"), BAD_SETTINGS, ids=range(len(BAD_SETTINGS)))
def test_bad_setting_stops_the_start_and_is_named(
    settings: dict[str, str], name: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / "private.pem").write_text(private_pem(EC))
    (tmp_path / "text").write_text("Hello.")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "huge.json").write_text(" " * 1_048_577)
    (tmp_path / "empty.json").write_text('{"keys": []}')
    (tmp_path / "rsa.json").write_text(json.dumps({"keys": [jwk(RSA)]}))
    settings = {key: value.replace("FOLDER", str(tmp_path)) for key, value in settings.items()}

    with pytest.raises(SettingsError, match=advice) as refusal:
        verifier(**settings)
    message = str(refusal.value)
    assert name in message
    assert message.startswith("CONTACTS_JWT_")
    assert message.endswith(".")


def test_jwks_url_is_read_with_the_first_token_and_kept(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    assert endpoint.count == 0

    for _ in range(3):
        assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 1


def test_jwks_url_that_does_not_answer_is_503_until_it_does(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    endpoint.status = 500
    made = verifier(clock, jwks=endpoint.url)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            made.verify(old_token())
    assert endpoint.count == 1

    endpoint.status = 200
    clock.now += 1
    assert made.verify(old_token()).agent_id == "17"


def test_nobody_listening_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(UnavailableError):
        verifier(jwks="http://127.0.0.1:1/jwks.json").verify(old_token())


@pytest.mark.parametrize(
    ("status", "headers", "document"),
    [
        (404, {}, None),
        (204, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b'{"keys": {}}'),
        (200, {}, b"[" * 100_000),
        (200, {}, None),
        (302, {"Location": "file:///etc/hostname"}, b""),
        (302, {"Location": "/jwks.json"}, b""),
        (200, {"Content-Length": "99999"}, b'{"keys'),
    ],
)
def test_answer_that_is_no_jwks_is_503(
    status: int, headers: dict[str, str], document: bytes | None, endpoint: JwksEndpoint
) -> None:
    if status == 200 and document is None:
        document = endpoint.document.ljust(1_048_577)
    endpoint.status, endpoint.headers = status, headers
    endpoint.document = endpoint.document if document is None else document

    with pytest.raises(UnavailableError):
        verifier(jwks=endpoint.url).verify(old_token())
    assert endpoint.count == 1


def test_token_that_no_key_could_suit_causes_no_reading(endpoint: JwksEndpoint) -> None:
    made = verifier(jwks=endpoint.url)
    for token in (hs256(claims(), {"alg": "HS256", "kid": "x"}), signed(None, "none"), "a.b.c"):
        assert is_refused(made, token)
    assert endpoint.count == 0


def test_new_key_is_accepted_at_once_after_a_rotation(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.publish(jwk(RSA, kid="one"), jwk(RSA_TWO, kid="two"))

    assert made.verify(new_token()).agent_id == "17"
    assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 2


def test_jwks_file_is_read_again_for_an_unknown_kid(tmp_path: Path, clock: FakeClock) -> None:
    made = verifier(clock, jwks=jwks_file(tmp_path, jwk(RSA, kid="one")))
    jwks_file(tmp_path, jwk(RSA_TWO, kid="two"))

    assert made.verify(new_token()).agent_id == "17"
    assert is_refused(made, old_token())


def test_file_that_is_gone_leaves_the_keys_there_are(tmp_path: Path, clock: FakeClock) -> None:
    path = jwks_file(tmp_path, jwk(RSA, kid="one"))
    made = verifier(clock, jwks=path)
    Path(path).unlink()
    clock.now += 16 * MINUTE

    assert made.verify(old_token()).agent_id == "17"
    assert is_refused(made, new_token())


def test_flood_of_unknown_kids_makes_one_fetch_a_minute(
    endpoint: JwksEndpoint, clock: FakeClock, pool: ThreadPoolExecutor
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    flood = [signed(RSA, "RS256", f"unknown {number}") for number in range(40)]

    assert all(pool.map(lambda token: is_refused(made, token), flood))
    assert endpoint.count == 2
    clock.now += MINUTE - 1
    assert is_refused(made, flood[0])
    assert endpoint.count == 2
    clock.now += 1
    assert all(pool.map(lambda token: is_refused(made, token), flood))
    assert endpoint.count == 3


def test_failed_reread_counts_and_keeps_the_keys(endpoint: JwksEndpoint, clock: FakeClock) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.status = 503
    assert is_refused(made, new_token())
    assert made.verify(old_token()).agent_id == "17"

    endpoint.status = 200
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    assert is_refused(made, new_token())
    assert endpoint.count == 2
    clock.now += MINUTE
    assert made.verify(new_token()).agent_id == "17"


@pytest.mark.parametrize("kid", ["one", None])
def test_withdrawn_key_stops_working_after_15_minutes(
    kid: str | None, endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    token = signed(RSA, "RS256", kid)
    made.verify(token)
    endpoint.publish(jwk(RSA_TWO, kid="two"))

    clock.now += 15 * MINUTE - 1
    assert made.verify(token).agent_id == "17"
    clock.now += 1
    assert is_refused(made, token)
    assert endpoint.count == 2


def test_renewal_by_age_lasts_and_does_not_count_as_an_unknown_kid(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    clock.now += 15 * MINUTE
    for _ in range(3):
        made.verify(old_token())
    assert endpoint.count == 2

    endpoint.publish(jwk(RSA_TWO, kid="two"))
    assert made.verify(new_token()).agent_id == "17"


def test_issuer_may_withdraw_every_key(endpoint: JwksEndpoint, clock: FakeClock) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.publish()
    clock.now += 15 * MINUTE

    assert is_refused(made, old_token())


def test_old_keys_stay_while_they_cannot_be_renewed(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.status = 500
    clock.now += 15 * MINUTE
    for _ in range(3):
        assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 2

    clock.now += MINUTE
    assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 3


@pytest.mark.parametrize("cause", ["age", "unknown kid"])
def test_slow_endpoint_does_not_hold_up_known_kids(
    cause: str, endpoint: JwksEndpoint, clock: FakeClock, pool: ThreadPoolExecutor
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.hold()
    clock.now += 15 * MINUTE
    waiting = pool.submit(made.verify, old_token() if cause == "age" else new_token())
    assert endpoint.arrived.wait(5)

    known = [pool.submit(made.verify, old_token()) for _ in range(5)]
    assert [answer.result(2).agent_id for answer in known] == ["17"] * 5
    assert not waiting.done()
    endpoint.release()
    assert (waiting.exception(5) is None) is (cause == "age")
    assert endpoint.count == 2


@pytest.mark.parametrize("is_first", [True, False])
def test_simultaneous_tokens_share_one_reading(
    is_first: bool, endpoint: JwksEndpoint, clock: FakeClock, pool: ThreadPoolExecutor
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    if not is_first:
        made.verify(old_token())
    fetched = endpoint.count
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    endpoint.hold()
    answers = [pool.submit(made.verify, new_token()) for _ in range(6)]
    assert endpoint.arrived.wait(5)
    time.sleep(0.05)  # the others come to wait
    endpoint.release()

    assert [answer.result(5).agent_id for answer in answers] == ["17"] * 6
    assert endpoint.count == fetched + 1


def test_no_request_waits_longer_than_the_timeout(
    endpoint: JwksEndpoint, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.is_trickling = True
    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(jwt_keys, "READ_TIMEOUT", 0.2)
        assert is_refused(made, new_token())
    assert time.monotonic() - started < 2

    clock.now += MINUTE
    endpoint.is_trickling = False
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    assert made.verify(new_token()).agent_id == "17"


def test_reading_that_was_given_up_changes_nothing_later(
    endpoint: JwksEndpoint, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    document = endpoint.document
    is_answered = threading.Event()

    def hang(_: str) -> bytes:
        is_answered.wait(5)
        return document

    with monkeypatch.context() as patch:
        patch.setattr(jwt_keys, "READ_TIMEOUT", 0.2)
        patch.setattr("contacts_service.jwt_tokens.fetch", hang)
        started = time.monotonic()
        assert is_refused(made, new_token())
        assert time.monotonic() - started < 2
    (hanging,) = (thread for thread in threading.enumerate() if thread.name == "jwks")
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    clock.now += MINUTE
    assert made.verify(new_token()).agent_id == "17"

    is_answered.set()
    hanging.join(5)
    assert made.verify(new_token()).agent_id == "17"
    assert is_refused(made, old_token())


def test_reading_that_breaks_down_is_not_the_last(
    endpoint: JwksEndpoint, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    with monkeypatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda _: None)
        patch.delattr("contacts_service.jwt_tokens.fetch")
        with pytest.raises(UnavailableError):
            made.verify(old_token())
    clock.now += 1

    assert made.verify(old_token()).agent_id == "17"


def test_trickling_answer_is_given_up(
    endpoint: JwksEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwt_keys, "READ_TIMEOUT", 0.2)
    endpoint.is_trickling = True

    with pytest.raises(TimeoutError):
        jwt_keys.fetch(endpoint.url)
