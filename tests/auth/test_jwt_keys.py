"""Which keys and algorithms a JWT may be signed with, and which settings are refused."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from contacts_service.auth.jwt_verifier import jwt_verifier
from contacts_service.config import SettingsError, load_settings
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
    private_pem,
    public_pem,
    signed,
    verifier,
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
    expected = ("17", "17", {"contacts:read"})
    found = verifier(**settings).verify(token())
    assert (found.agent_id, found.agent_name, found.scopes) == expected


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
