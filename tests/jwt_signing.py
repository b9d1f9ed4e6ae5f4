"""Keys of every kind, and tokens that are signed by them or seem to be."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from contacts_service.auth.jwt_verifier import JwtVerifier, jwt_verifier
from contacts_service.config import load_settings
from contacts_service.errors import AuthError

SECRET = "a shared secret of 32 bytes, yes"
LONG_SECRET = SECRET * 2
RSA = rsa.generate_private_key(65537, 2048)
RSA_TWO = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
EC_521 = ec.generate_private_key(ec.SECP521R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
SHORT_RSA = rsa.generate_private_key(65537, 1024)


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


def old_token() -> str:
    return signed(RSA, "RS256", "one")


def is_refused(verifier: JwtVerifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except AuthError:
        return True
    return False
