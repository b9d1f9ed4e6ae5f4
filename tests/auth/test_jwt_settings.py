"""A setting of tokens that will not do stops the start, with a sentence that names it."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448

from contacts_service.auth.jwt_verifier import jwt_verifier
from contacts_service.config import SettingsError, load_settings
from tests.jwt_signing import (
    EC,
    EC_384,
    RSA,
    SECRET,
    SHORT_RSA,
    jwk,
    private_pem,
    public_pem,
    verifier,
)


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
