"""The keys that check the signatures of JWTs: a single one, or those of a JWKS document.

Owns which algorithms suit which key, and reading and renewing the document. Knows neither the
settings nor what else a token says; `jwt_tokens` does.
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
from urllib import request

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
    """A key and the algorithms it may be used with: those that suit it and are accepted here."""

    key: bytes | PublicKey
    algorithms: tuple[str, ...]
    key_id: str | None = None


class KeySource(Protocol):
    """Where the key for a token comes from."""

    def find(self, algorithm: object, key_id: str | None) -> VerificationKey | None:
        """The key for a token whose header has this `alg` and `kid`, or None.

        Raises UnavailableError when the keys cannot be had.
        """


@dataclass(frozen=True, slots=True)
class SingleKey:
    """The one key there is, whatever `kid` a token names."""

    key: VerificationKey

    def find(self, algorithm: object, key_id: str | None) -> VerificationKey | None:
        return self.key if algorithm in self.key.algorithms else None


class KeySet:
    """The keys of a JWKS document (RFC 7517), read when first needed and again as they age.

    The document is read again when a token names a `kid` that is not in it, at most once a minute
    counted from the last such re-read (contract, section 2), and when it is older than 15 minutes,
    so that a withdrawn key stops working. A re-read that fails counts, and keeps the keys there
    are.

    A thread of its own reads. The request that caused it waits, and so do those that can't be
    answered without; none waits longer than READ_TIMEOUT, and the others go on with the keys there
    are.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        algorithms: tuple[str, ...],
        clock: Clock,
        keys: tuple[VerificationKey, ...] | None = None,
    ) -> None:
        """`read` returns the document, or raises OSError, HTTPException or ValueError; `clock`
        counts seconds; `keys` is what a first reading gave, None if there was none.
        """
        self._read = read
        self._algorithms = algorithms
        self._clock = clock
        self._lock = threading.Lock()  # guards what follows; never held while reading
        self._keys = keys
        self._read_at = clock()
        self._failed_at = self._unknown_key_id_at = -math.inf
        self._reading: threading.Thread | None = None

    def find(self, algorithm: object, key_id: str | None) -> VerificationKey | None:
        """As KeySource says. Without `kid`, the key must be the only one for the algorithm."""
        if algorithm not in self._algorithms:
            return None
        reading = self._reading_to_wait_for(key_id)
        if reading:
            reading.join(READ_TIMEOUT)
            if reading.is_alive():
                self._end_reading(reading, None)
        keys = self._keys
        if keys is None:
            raise UnavailableError("The keys that tokens are checked with cannot be had just now.")
        fitting = [k for k in keys if algorithm in k.algorithms and key_id in (None, k.key_id)]
        return fitting[0] if len(fitting) == 1 else None

    def _reading_to_wait_for(self, key_id: str | None) -> threading.Thread | None:
        with self._lock:
            is_missing = self._keys is None or (
                key_id is not None and all(key.key_id != key_id for key in self._keys)
            )
            if self._reading is None and self._is_due(is_missing):
                if is_missing and self._keys is not None:
                    self._unknown_key_id_at = self._clock()
                reading = threading.Thread(target=self._read_again, name="jwks", daemon=True)
                reading.start()
                self._reading = reading
                return reading
            return self._reading if is_missing else None

    def _is_due(self, is_missing: bool) -> bool:
        now = self._clock()
        if self._keys is None:
            return now - self._failed_at >= FIRST_READ_PAUSE
        if is_missing:
            return now - self._unknown_key_id_at >= REREAD_PAUSE
        return now - self._read_at >= LARGEST_AGE and now - self._failed_at >= REREAD_PAUSE

    def _read_again(self) -> None:
        keys = None
        try:
            keys = parse_jwks(self._read(), self._algorithms)
        except (OSError, HTTPException, ValueError) as error:
            logger.warning("The JWKS document could not be read: %s", error)
        finally:
            self._end_reading(threading.current_thread(), keys)

    def _end_reading(
        self, reading: threading.Thread, keys: tuple[VerificationKey, ...] | None
    ) -> None:
        with self._lock:
            if self._reading is not reading:
                return  # given up before; what came later may be newer
            self._reading = None
            if keys is None:
                self._failed_at = self._clock()
            else:
                self._keys = keys
                self._read_at = self._clock()


def suitable_algorithms(key: object) -> tuple[str, ...]:
    """The algorithms that a public key verifies, the usual one first; none for any other key."""
    match key:
        case RSAPublicKey() if key.key_size >= SHORTEST_RSA_KEY:
            return RSA_ALGORITHMS
        case EllipticCurvePublicKey() if key.curve.name in EC_ALGORITHMS:
            return (EC_ALGORITHMS[key.curve.name],)
        case Ed25519PublicKey():
            return ("EdDSA",)
    return ()


def parse_public_key(pem: bytes) -> PublicKey:
    """The public key in a PEM text. Raises ValueError, whose message completes "the setting …"."""
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
    """The keys in a JWKS document that verify signatures of one of `algorithms`.

    Others are left out, as are those that make no sense (RFC 7517, section 5). Raises ValueError
    if the text is no such document.
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
    """The content of a file. Raises OSError, and ValueError if it is over 1 MiB."""
    with Path(path).open("rb") as file:
        return _limited(file.read(LARGEST_DOCUMENT + 1))


def fetch(url: str) -> bytes:
    """What an http or https URL answers; redirects are not followed.

    Raises OSError, HTTPException, and ValueError if it is over 1 MiB.
    """
    deadline = time.monotonic() + READ_TIMEOUT
    # Not urlopen(): it follows redirects, also to ftp:, and opens file:.
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.UnknownHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    opener.addheaders = [("User-Agent", "contacts-service"), ("Accept", "application/json, */*")]
    document = b""
    with opener.open(url, timeout=READ_TIMEOUT) as response:
        while part := response.read1(LARGEST_DOCUMENT):
            document = _limited(document + part)
            # The timeout above is for each wait; a trickle would go on for ever.
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
    return document


def _limited(document: bytes) -> bytes:
    if len(document) > LARGEST_DOCUMENT:
        raise ValueError(f"is longer than {LARGEST_DOCUMENT} bytes")
    return document
