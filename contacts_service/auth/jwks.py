"""The keys that check the signatures of JWTs: a single one, or those of a JWKS document.

Decides which algorithms suit which key, and reads and renews the document. `jwt_verifier` reads the
settings and judges everything else that a token says.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.request import HTTPRedirectHandler, build_opener

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError

from contacts_service.errors import UnavailableError

HMAC_ALGORITHMS = ("HS256", "HS384", "HS512")
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
PUBLIC_KEY_ALGORITHMS = (*RSA_ALGORITHMS, *EC_ALGORITHMS.values(), "EdDSA")

SHORTEST_RSA_KEY = 2048  # bits; RFC 7518, section 3.3
LARGEST_DOCUMENT = 1024 * 1024  # bytes
READ_TIMEOUT = 5.0  # seconds, as all below
FIRST_READ_PAUSE = 1.0
REREAD_PAUSE = 60.0
LARGEST_AGE = 15 * 60.0

Clock = Callable[[], float]
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key, with the configured algorithms that suit it."""

    key: bytes | PublicKey
    algorithms: tuple[str, ...]
    key_id: str | None = None


class KeySource(Protocol):
    """Finds the key for a token."""

    def find(self, algorithm: object, key_id: str | None) -> VerificationKey | None:
        """The key for a token whose header has this `alg` and `kid`, or None.

        Raises UnavailableError when the keys cannot be had.
        """


@dataclass(frozen=True, slots=True)
class SingleKey:
    """One configured key, used whatever `kid` a token names."""

    key: VerificationKey

    def find(self, algorithm: object, key_id: str | None) -> VerificationKey | None:
        return self.key if algorithm in self.key.algorithms else None


class KeySet:
    """The keys of a JWKS document (RFC 7517), read when the first token needs them.

    The document is read again when a token names a `kid` that is not in it, at most once a minute
    counted from the last such reading, and when it is 15 minutes old, so that a withdrawn key stops
    working. While it cannot be read, the keys read last stay in use. Only requests that no known
    key can answer wait for a reading that another request has begun.

    PyJWT's PyJWKClient is not used: it refuses a document without keys, so that an issuer could not
    withdraw the last one, reads documents of any length, holds every request up while it reads, and
    for a while after any reading looks for no new `kid`.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        algorithms: tuple[str, ...],
        clock: Clock,
        keys: tuple[VerificationKey, ...] | None = None,
    ) -> None:
        """`read` returns the document, or raises OSError, HTTPException or ValueError.

        `clock` counts seconds. `keys` are those of a document that was read before.
        """
        self._read = read
        self._algorithms = algorithms
        self._clock = clock
        self._keys = keys
        self._renew_at = -math.inf if keys is None else clock() + LARGEST_AGE
        self._look_up_at = -math.inf  # when an unknown `kid` may cause the next reading
        self._lock = threading.Lock()  # held while reading

    def find(self, algorithm: object, key_id: str | None) -> VerificationKey | None:
        """As KeySource says. Without `kid`, the key must be the only one for the algorithm."""
        if algorithm not in self._algorithms:
            return None
        is_missing = self._is_missing(key_id)
        if is_missing or self._clock() >= self._renew_at:
            self._renew(key_id, wait=READ_TIMEOUT if is_missing else 0)
        if self._keys is None:
            raise UnavailableError("The keys that tokens are checked with cannot be had just now.")
        fitting = [
            key
            for key in self._keys
            if algorithm in key.algorithms and key_id in (None, key.key_id)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _renew(self, key_id: str | None, *, wait: float) -> None:
        """Read the document if that is due; `wait` seconds for whoever is reading it already."""
        if not self._lock.acquire(timeout=wait):
            return
        try:
            if self._is_due(key_id):
                self._read_again()
        finally:
            self._lock.release()

    def _is_missing(self, key_id: str | None) -> bool:
        if self._keys is None:
            return True
        return key_id is not None and all(key.key_id != key_id for key in self._keys)

    def _is_due(self, key_id: str | None) -> bool:
        now = self._clock()
        if self._keys is None or not self._is_missing(key_id):
            return now >= self._renew_at
        if now < self._look_up_at:
            return False
        self._look_up_at = now + REREAD_PAUSE
        return True

    def _read_again(self) -> None:
        try:
            self._keys = parse_jwks(self._read(), self._algorithms)
            self._renew_at = self._clock() + LARGEST_AGE
        except (OSError, HTTPException, ValueError) as error:
            logger.warning("The JWKS document could not be read: %s", error)
            pause = FIRST_READ_PAUSE if self._keys is None else REREAD_PAUSE
            self._renew_at = max(self._renew_at, self._clock() + pause)


def suitable_algorithms(key: object) -> tuple[str, ...]:
    """The algorithms that a public key can verify, the default first; none for other keys."""
    match key:
        case RSAPublicKey() if key.key_size >= SHORTEST_RSA_KEY:
            return RSA_ALGORITHMS
        case EllipticCurvePublicKey() if key.curve.name in EC_ALGORITHMS:
            return (EC_ALGORITHMS[key.curve.name],)
        case Ed25519PublicKey():
            return ("EdDSA",)
    return ()


def parse_public_key(pem: bytes) -> PublicKey:
    """Read a public key. A ValueError's message completes "the setting …"."""
    if b"PRIVATE KEY-----" in pem:
        raise ValueError("holds a private key; give the public key that belongs to it")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "holds no public key; give PEM that begins with -----BEGIN PUBLIC KEY-----"
        ) from None
    if not isinstance(key, PublicKey) or not suitable_algorithms(key):
        raise ValueError(
            f"holds a key that cannot be used; give RSA of {SHORTEST_RSA_KEY} bits or more, EC on "
            "P-256, P-384 or P-521, or Ed25519"
        )
    return key


def parse_jwks(document: bytes, algorithms: tuple[str, ...]) -> tuple[VerificationKey, ...]:
    """Read the keys of a JWKS document that suit one of `algorithms`.

    Keys that are damaged or for another use are ignored (RFC 7517, section 5). Raises ValueError if
    the text is no JWKS document.
    """
    try:
        jwks = json.loads(document)
    except (ValueError, RecursionError):
        jwks = None
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("is not a JWKS document; give a JSON object with a list of `keys`")
    keys = (_parse_jwk(jwk, algorithms) for jwk in jwks["keys"] if isinstance(jwk, dict))
    return tuple(key for key in keys if key)


def _parse_jwk(jwk: dict[str, Any], algorithms: tuple[str, ...]) -> VerificationKey | None:
    if jwk.get("kty") not in ("RSA", "EC", "OKP") or jwk.get("use") not in (None, "sig"):
        return None
    try:
        key = PyJWK.from_dict(jwk | {"alg": None}).key  # `alg` may be anything; `kty` decides
    except (PyJWTError, UnsupportedAlgorithm):
        return None
    usable = tuple(
        algorithm
        for algorithm in suitable_algorithms(key)
        if algorithm in algorithms and jwk.get("alg") in (None, algorithm)
    )
    key_id = jwk.get("kid")
    if not usable:
        return None
    return VerificationKey(key, usable, key_id if isinstance(key_id, str) else None)


def read_file(path: str) -> bytes:
    """Read a file. Raises OSError, and ValueError if it is over 1 MiB."""
    with Path(path).open("rb") as file:
        return _limited(file.read(LARGEST_DOCUMENT + 1))


class _NoRedirects(HTTPRedirectHandler):
    """Makes every redirect an error: a JWKS URL may not lead to another host or to a file."""

    def redirect_request(self, *_: object) -> None:
        return None


def fetch(url: str) -> bytes:
    """Read a document from an http or https URL, without following redirects.

    Raises OSError, HTTPException, and ValueError if it is over 1 MiB.
    """
    deadline = time.monotonic() + READ_TIMEOUT
    document = b""
    with build_opener(_NoRedirects).open(url, timeout=READ_TIMEOUT) as response:
        while part := response.read1(LARGEST_DOCUMENT):
            document = _limited(document + part)
            # The timeout above holds for each packet; a trickle would go on for ever.
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
    return document


def _limited(document: bytes) -> bytes:
    if len(document) > LARGEST_DOCUMENT:
        raise ValueError(f"is longer than {LARGEST_DOCUMENT} bytes")
    return document
