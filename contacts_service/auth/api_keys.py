"""API keys: made, listed, revoked, and turned into the principal they stand for.

A key is shown once, when it is made; the database knows only its SHA-256.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

from flask import Flask, Response, after_this_request, current_app
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.principal import SCOPES, Principal
from contacts_service.db.models import ApiKey
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import (
    UnitOfWork,
    classify_error,
    db,
    read_connection,
    unit_of_work,
)
from contacts_service.errors import AuthError
from contacts_service.text import clean_line
from contacts_service.timestamps import now, wire_time

PREFIX = "lk_"
USE_RECORDED_EVERY = 60  # seconds
WARNED_EVERY = 60  # seconds
NEXT_WARNING = "next_warning_of_key_use"  # in an application's extensions: when, at the earliest

logger = logging.getLogger(__name__)


def create_key(
    session: UnitOfWork,
    agent_id: str,
    agent_name: str,
    scopes: Iterable[str],
    lifetime: timedelta | None = None,
) -> str:
    """The new key itself, 256 random bits; it cannot be shown again.

    Raises ValueError for a scope that the service does not know, and for an agent's id or name
    that is blank or not a line of text.
    """
    agent_id, agent_name = clean_line(agent_id), clean_line(agent_name)
    if not agent_id or not agent_name:
        raise ValueError("The agent's id and name must not be blank.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValueError(f"{unknown[0]} is not a scope; there are: {', '.join(SCOPES)}.")
    key = PREFIX + secrets.token_urlsafe(32)
    expires_at = None if lifetime is None else wire_time(datetime.now(UTC) + lifetime)
    session.add(
        ApiKey(
            key_hash=_hash(key),
            agent_id=agent_id,
            agent_name=agent_name,
            scopes=" ".join(sorted(set(scopes))),
            created_at=now(),
            expires_at=expires_at,
        )
    )
    return key


def list_keys() -> list[ApiKey]:
    """Every key there ever was, oldest first; never with the key itself."""
    return list(db.session.scalars(select(ApiKey).order_by(ApiKey.id)))


def revoke_key(session: UnitOfWork, key_id: int) -> bool:
    """Whether there is such a key; from here on it is refused. Revoking twice changes nothing."""
    key = session.get(ApiKey, key_id)
    if key is None:
        return False
    key.revoked_at = key.revoked_at or now()
    return True


def is_accepted(key: str) -> bool:
    """Whether a caller with this key would be let in now."""
    try:
        _find(key)
    except AuthError:
        return False
    return True


def principal_of(key: str) -> Principal:
    """The agent whose key this is, who calls now. Raises AuthError: unknown, revoked, expired."""
    found = _find(key)
    if found.last_used_at is None or found.last_used_at < _use_recorded_before():
        _record_use_after_answer(found.id)
    return _principal(found.agent_id, found.agent_name, found.scopes)


@lru_cache(maxsize=1024)
def _principal(agent_id: str, agent_name: str, scopes: str) -> Principal:
    return Principal(agent_id, agent_name, frozenset(scopes.split()))


def _find(key: str) -> "FoundKey":
    # A row is found by the hash of 256 random bits, so timing tells nothing about other keys.
    row = read_connection().row(_BY_HASH, {"key_hash": _hash(key)})
    if row is None:
        raise AuthError("The token is not known.")
    found = FoundKey(*row)
    if found.revoked_at is not None:
        raise AuthError("The token has been revoked.")
    if found.expires_at is not None and found.expires_at <= now():
        raise AuthError("The token has expired.")
    return found


def _use_recorded_before() -> str:
    return _moment_of(int(time.time()) - USE_RECORDED_EVERY)


@lru_cache(maxsize=1)
def _moment_of(second: int) -> str:
    return wire_time(datetime.fromtimestamp(second, UTC))


def _record_use_after_answer(key_id: int) -> None:
    """Keep a caller from waiting for a write that is none of its business."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    @after_this_request
    def when_sent(response: Response) -> Response:
        response.call_on_close(partial(_record_use, app, key_id))
        return response


def _record_use(app: Flask, key_id: int) -> None:
    is_due = (ApiKey.last_used_at < _use_recorded_before()) | ApiKey.last_used_at.is_(None)
    with app.app_context():
        try:
            with unit_of_work(is_patient=False) as session:
                session.execute(
                    update(ApiKey).where(ApiKey.id == key_id, is_due).values(last_used_at=now())
                )
        except SQLAlchemyError as error:
            if classify_error(error) != "busy":  # then the next call records it
                _warn(app, key_id)


def _warn(app: Flask, key_id: int) -> None:
    """Say that a use was not recorded; as every call would say so, at most once in a while."""
    moment = time.monotonic()
    if moment >= app.extensions.get(NEXT_WARNING, 0):
        app.extensions[NEXT_WARNING] = moment + WARNED_EVERY
        logger.warning("The use of API key %s could not be recorded.", key_id)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class FoundKey(NamedTuple):
    """What a call needs to know of a key; the columns of _BY_HASH."""

    id: int
    agent_id: str
    agent_name: str
    scopes: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


_BY_HASH = CompiledStatement(
    select(*(getattr(ApiKey, name) for name in FoundKey._fields)).where(
        ApiKey.key_hash == bindparam("key_hash")
    )
)
