"""Creates, lists and revokes API keys, and finds the principal of a key.

A key is shown once, when it is created. The database has only its SHA-256.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from flask import Response, after_this_request, current_app
from flask.ctx import AppContext
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.principal import SCOPES, Principal
from contacts_service.db.models import ApiKey
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import (
    UnitOfWork,
    classify_error,
    read_connection,
    unit_of_work,
)
from contacts_service.errors import AuthError
from contacts_service.text import clean_line
from contacts_service.timestamps import format_timestamp, utc_now

PREFIX = "lk_"
SHOWN_CHARACTERS = 8  # of a key in lists; 226 random bits stay unknown
USE_RECORDED_EVERY = timedelta(minutes=1)
WARNED_EVERY = 60  # seconds
NEXT_WARNING = "next_warning_of_key_use"  # in an application's extensions, by the monotonic clock

logger = logging.getLogger(__name__)


class FoundKey(NamedTuple):
    """What a request needs to know of its key."""

    id: int
    agent_id: str
    agent_name: str
    scopes: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class ListedKey(NamedTuple):
    """What an operator sees of a key."""

    id: int
    beginning: str | None
    agent_id: str
    agent_name: str
    scopes: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


_ALL = CompiledStatement(
    select(*(getattr(ApiKey, name) for name in ListedKey._fields)).order_by(ApiKey.id)
)
_BY_HASH = CompiledStatement(
    select(*(getattr(ApiKey, name) for name in FoundKey._fields)).where(
        ApiKey.key_hash == bindparam("key_hash")
    )
)


def create_key(
    session: UnitOfWork,
    agent_id: str,
    agent_name: str,
    scopes: Iterable[str],
    lifetime: timedelta | None = None,
) -> str:
    """Create a key of 256 random bits and return it; it cannot be shown again.

    Raises ValueError for an unknown scope, and for an agent's id or name that is blank or not one
    line of text.
    """
    agent_id, agent_name = clean_line(agent_id), clean_line(agent_name)
    if not agent_id or not agent_name:
        raise ValueError("The agent's id and name must not be blank.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValueError(f"{unknown[0]} is not a scope; there are: {', '.join(SCOPES)}.")
    key = PREFIX + secrets.token_urlsafe(32)
    expires_at = None if lifetime is None else format_timestamp(datetime.now(UTC) + lifetime)
    session.add(
        ApiKey(
            key_hash=_hash(key),
            beginning=key[:SHOWN_CHARACTERS],
            agent_id=agent_id,
            agent_name=agent_name,
            scopes=" ".join(sorted(set(scopes))),
            created_at=utc_now(),
            expires_at=expires_at,
        )
    )
    return key


def list_keys() -> list[ListedKey]:
    """Return all keys, also revoked ones, oldest first."""
    return [ListedKey(*row) for row in read_connection().rows(_ALL)]


def revoke_key(session: UnitOfWork, key_id: int) -> bool:
    """Refuse a key from the next request on; False if there is no such key."""
    key = session.get(ApiKey, key_id)
    if key is None:
        return False
    key.revoked_at = key.revoked_at or utc_now()
    return True


def is_accepted(key: str) -> bool:
    """Whether the key is known, not revoked and not expired."""
    try:
        _find(key)
    except AuthError:
        return False
    return True


def principal_of(key: str) -> Principal:
    """Return the agent of the key, and record its use. Raises AuthError."""
    found = _find(key)
    last_used_at = found.last_used_at
    if last_used_at is None or datetime.fromisoformat(last_used_at) < _use_recorded_before():
        _record_use_after_answer(found.id)
    scopes = frozenset(found.scopes.split())
    return Principal(found.agent_id, found.agent_name, scopes, found.expires_at)


def _find(key: str) -> FoundKey:
    # Looking up the hash of 256 random bits: its time tells nothing about other keys.
    row = read_connection().row(_BY_HASH, {"key_hash": _hash(key)})
    if row is None:
        raise AuthError("The token is not known.")
    found = FoundKey(*row)
    if found.revoked_at is not None:
        raise AuthError("The token has been revoked.")
    if found.expires_at is not None and found.expires_at <= utc_now():
        raise AuthError("The token has expired.")
    return found


def _use_recorded_before() -> datetime:
    return datetime.now(UTC) - USE_RECORDED_EVERY


def _record_use_after_answer(key_id: int) -> None:
    """Record the use once the answer is sent, so that the caller does not wait for it."""

    @after_this_request
    def when_sent(response: Response) -> Response:
        response.call_on_close(partial(_record_use, current_app.app_context(), key_id))
        return response


def _record_use(context: AppContext, key_id: int) -> None:
    last_used_at = ApiKey.last_used_at
    is_due = (last_used_at < format_timestamp(_use_recorded_before())) | last_used_at.is_(None)
    with context:
        try:
            with unit_of_work(is_patient=False) as session:
                session.execute(
                    update(ApiKey).where(ApiKey.id == key_id, is_due).values(last_used_at=utc_now())
                )
        except SQLAlchemyError as error:
            if classify_error(error) != "busy":  # if it is, the next request records the use
                _warn(key_id)


def _warn(key_id: int) -> None:
    """Log that a use was not recorded, at most once a minute."""
    moment = time.monotonic()
    if moment >= current_app.extensions.get(NEXT_WARNING, 0):
        current_app.extensions[NEXT_WARNING] = moment + WARNED_EVERY
        logger.warning("The use of API key %s could not be recorded.", key_id)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
