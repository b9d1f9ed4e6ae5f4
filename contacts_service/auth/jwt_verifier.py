"""Verifies the JWTs (RFC 7519) of a gateway, as the CONTACTS_JWT_* settings say.

Decides which claims a token needs and which principal it stands for; docs/api.md describes the
rules for callers. `jwks` finds the keys, and `permissions` takes the token from the request.
"""

import logging
import os
import re
import time
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import jwt
from jwt.algorithms import HMACAlgorithm

from contacts_service.auth.jwks import (
    HMAC_ALGORITHMS,
    PUBLIC_KEY_ALGORITHMS,
    Clock,
    KeySet,
    KeySource,
    SingleKey,
    VerificationKey,
    fetch,
    parse_jwks,
    parse_public_key,
    read_file,
    suitable_algorithms,
)
from contacts_service.auth.principal import SCOPES, Principal
from contacts_service.config import SettingsError
from contacts_service.errors import AuthError
from contacts_service.timestamps import format_timestamp

SECRET, PUBLIC_KEY, JWKS = KEY_SETTINGS = (
    "CONTACTS_JWT_SECRET",
    "CONTACTS_JWT_PUBLIC_KEY",
    "CONTACTS_JWT_JWKS",
)
ALGORITHMS, ISSUER, AUDIENCE = CLAIM_SETTINGS = (
    "CONTACTS_JWT_ALGORITHMS",
    "CONTACTS_JWT_ISSUER",
    "CONTACTS_JWT_AUDIENCE",
)
JWKS_ALGORITHMS = ("RS256", "ES256", "EdDSA")
SHORTEST_SECRET = 32  # bytes; RFC 7518, section 3.2
HMAC_BLOCK = 64  # bytes, of SHA-256; those of SHA-384 and SHA-512 are longer
VISIBLE_ASCII = re.compile(r"[!-~]+")

SCOPE_CLAIMS = ("scope", "scp", "scopes", "permissions")
LEEWAY = 60  # seconds
LONGEST_TOKEN = 8192  # characters
LONGEST_TEXT = 255  # characters, of `sub` and of the display name

logger = logging.getLogger(__name__)


def jwt_verifier(
    settings: Mapping[str, Any], *, clock: Clock = time.monotonic
) -> "JwtVerifier | None":
    """Make the verifier that the settings describe; None when they name no key.

    A JWKS file is read at once, a JWKS URL with the first token. `clock` counts the seconds until
    either is read again. Raises SettingsError.
    """
    given = [name for name in KEY_SETTINGS if settings.get(name) is not None]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} are set together; keep one of them.")
    if not given:
        for name in CLAIM_SETTINGS:
            if settings.get(name) is not None:
                raise SettingsError(
                    f"{name} is set but no key is; set one of {', '.join(KEY_SETTINGS)} as well."
                )
        return None
    try:
        keys = _key_source(given[0], settings[given[0]], settings.get(ALGORITHMS), clock)
    except ValueError as error:
        raise SettingsError(f"{given[0]} {error}.") from None
    return JwtVerifier(keys, issuer=settings.get(ISSUER), audience=settings.get(AUDIENCE))


class JwtVerifier:
    """Turns tokens into principals. Threads may share it."""

    def __init__(self, keys: KeySource, *, issuer: str | None, audience: str | None) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> Principal:
        """Return the agent of the token, with the scopes that the service knows.

        Raises AuthError for a token that is not accepted, and UnavailableError while the keys
        cannot be read.
        """
        if len(token) > LONGEST_TOKEN:
            raise AuthError(f"The token is longer than {LONGEST_TOKEN} characters.")
        claims = self._verified_claims(token, self._key_for(token))
        _check_times(claims)
        agent_id = _agent_id(claims["sub"])
        agent_name = _agent_name(claims.get("name")) or agent_id
        return Principal(agent_id, agent_name, _scopes(claims), _expiry(claims["exp"]))

    def _key_for(self, token: str) -> VerificationKey:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, UnicodeEncodeError):
            raise AuthError("The token is not a JWT.") from None
        # RFC 7515, section 4.1.11: a token with an unknown extension is refused; we know none.
        if "crit" in header:
            raise AuthError("The token uses an extension that is not supported.")
        key = self._keys.find(header.get("alg"), header.get("kid"))
        if key is None:
            raise AuthError("The token is not signed with a key and algorithm accepted here.")
        return key

    def _verified_claims(self, token: str, key: VerificationKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=key.algorithms,
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": ["exp", "sub"],
                    "verify_aud": self._audience is not None,
                    # PyJWT accepts exp as text and refuses a numeric sub; both are checked below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.MissingRequiredClaimError as error:
            raise AuthError(f"The token lacks the claim {error.claim}.") from None
        except jwt.InvalidIssuerError:
            raise AuthError("The token is from another issuer.") from None
        except jwt.InvalidAudienceError:
            raise AuthError("The token is for another audience.") from None
        except jwt.InvalidSignatureError:
            raise AuthError("The token's signature is wrong.") from None
        except jwt.PyJWTError:
            raise AuthError("The token is not a JWT.") from None


def _check_times(claims: Mapping[str, Any]) -> None:
    now = time.time()
    for claim in claims.keys() & {"exp", "nbf"}:
        if not _is_numeric_date(claims[claim]):
            raise AuthError(f"The token's {claim} is not a time.")
    if claims["exp"] <= now - LEEWAY:
        raise AuthError("The token has expired.")
    if claims.get("nbf", now) > now + LEEWAY:
        raise AuthError("The token is not valid yet.")


def _is_numeric_date(value: object) -> bool:
    """Whether `value` is a number of seconds since 1970 (RFC 7519, section 2)."""
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    )


def _expiry(seconds: float) -> str | None:
    """The time in the stored form; None after the year 9999, which is no end."""
    try:
        return format_timestamp(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _agent_id(subject: object) -> str:
    if not isinstance(subject, str | int) or isinstance(subject, bool):
        raise AuthError("The token's sub is neither text nor a whole number.")
    agent_id = str(subject)
    if not agent_id.strip() or len(agent_id) > LONGEST_TEXT:
        raise AuthError(f"The token's sub is empty or longer than {LONGEST_TEXT} characters.")
    if agent_id != _without_controls(agent_id):
        raise AuthError("The token's sub contains control characters.")
    return agent_id


def _agent_name(name: object) -> str:
    return _without_controls(name).strip()[:LONGEST_TEXT] if isinstance(name, str) else ""


def _without_controls(text: str) -> str:
    """Drop control characters and lone surrogates, which no response can carry."""
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs"))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """The known scopes of the first claim that is there, text with spaces or an array of text."""
    granted = next((claims[name] for name in SCOPE_CLAIMS if claims.get(name) is not None), ())
    words = granted.split() if isinstance(granted, str) else granted
    if not isinstance(words, list | tuple):
        return frozenset()
    return frozenset(word for word in words if isinstance(word, str) and word in SCOPES)


def _key_source(name: str, value: str, wanted: tuple[str, ...] | None, clock: Clock) -> KeySource:
    """Make the key source of one setting. A ValueError's message completes "the setting …"."""
    if name == SECRET:
        secret = _checked_secret(value)
        algorithms = _accepted(wanted, HMAC_ALGORITHMS, HMAC_ALGORITHMS[:1], name)
        return SingleKey(VerificationKey(secret, algorithms))
    if name == PUBLIC_KEY:
        pem = os.fsencode(value) if "-----BEGIN" in value else _read(value, "PEM text")
        key = parse_public_key(pem)
        suitable = suitable_algorithms(key)
        algorithms = _accepted(wanted, suitable, suitable[:1], f"the key in {name}")
        return SingleKey(VerificationKey(key, algorithms))
    algorithms = _accepted(wanted, PUBLIC_KEY_ALGORITHMS, JWKS_ALGORITHMS, name)
    if "://" in value:
        if not _is_fetchable(value):
            raise ValueError(
                "is not a URL that can be fetched; give http:// or https:// and a host"
            )
        return KeySet(lambda: fetch(value), algorithms, clock)
    keys = parse_jwks(_read(value, "a URL"), algorithms)
    if not keys:
        raise ValueError(f"holds no public key for {', '.join(algorithms)}; add one")
    return KeySet(lambda: read_file(value), algorithms, clock, keys)


def _accepted(
    wanted: tuple[str, ...] | None, suitable: tuple[str, ...], default: tuple[str, ...], key: str
) -> tuple[str, ...]:
    if wanted is None:
        return default
    for algorithm in wanted or ("",):
        if algorithm not in suitable:
            raise SettingsError(
                f"{ALGORITHMS} names {algorithm or 'nothing'}, which does not suit {key}; choose "
                f"from {', '.join(suitable)}."
            )
    return wanted


def _checked_secret(text: str) -> bytes:
    secret = os.fsencode(text)
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ValueError(
            f"holds a public key or a JWK; set {PUBLIC_KEY} or {JWKS} instead"
        ) from None
    if len(secret) < SHORTEST_SECRET:
        logger.warning("%s has %d bytes; use %d or more.", SECRET, len(secret), SHORTEST_SECRET)
    # HMAC itself pads shorter secrets with zeros (RFC 2104, section 2): signatures stay the same.
    # Padded here, the secret causes no warning of PyJWT with every token.
    return secret.ljust(HMAC_BLOCK, b"\0")


def _read(path: str, alternative: str) -> bytes:
    try:
        return read_file(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(
            f"is neither {alternative} nor a file that can be read ({reason}); correct it"
        ) from None


def _is_fetchable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_address = bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        return False
    return has_address and parts.scheme in ("http", "https") and bool(VISIBLE_ASCII.fullmatch(url))
