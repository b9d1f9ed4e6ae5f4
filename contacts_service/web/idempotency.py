"""`Idempotency-Key`: a repeated POST gets the first answer again and writes nothing (docs/api.md).

The answer is stored in the transaction of the write itself, so that neither exists without the
other. A repeat that arrives early waits for the first as any writer waits for another.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask import Response, g, request
from sqlalchemy import delete

from contacts_service.db.models import IdempotencyRecord
from contacts_service.db.session import UnitOfWork, unit_of_work
from contacts_service.errors import ConflictError, InputError, ServiceError
from contacts_service.timestamps import format_timestamp, utc_now
from contacts_service.web.responses import JSON, error_response

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PATTERN = "^[!-~]{1,255}$"
KEPT_FOR = timedelta(hours=24)


def is_requested() -> bool:
    """Whether the caller has sent a key with a POST."""
    return request.method == "POST" and HEADER in request.headers


def run_once(answer: Callable[[], Response], *, body: bytes | None) -> Response:
    """Return the stored answer of this request, or run `answer` and store it if it is below 500.

    `body` is None for one larger than any route takes. Such a request is refused and the refusal is
    not stored, since two of them cannot be told apart; under a known key it is another request.

    Raises InputError for an invalid key, ConflictError for the key of another request.
    """
    key = request.headers[HEADER]
    if not re.fullmatch(PATTERN, key):
        raise InputError(
            {HEADER: ["Must be 1 to 255 visible ASCII characters."]}, location="headers"
        )
    fingerprint = None if body is None else _fingerprint(body)
    with unit_of_work() as session:
        record = _find(session, key)
        if record is not None:
            if record.fingerprint != fingerprint:
                raise ConflictError(f"The {HEADER} was sent with another request.")
            return _replay(record)
        try:
            response = answer()
        except ServiceError as error:
            if error.status >= 500 or fingerprint is None:
                raise
            response = error_response(error)
        session.add(
            IdempotencyRecord(
                agent_id=g.principal.agent_id,
                key=key,
                fingerprint=fingerprint,
                status=response.status_code,
                etag=response.headers.get("ETag"),
                location=response.headers.get("Location"),
                content=response.get_data(as_text=True),
                created_at=utc_now(),
            )
        )
    return response


def _fingerprint(body: bytes) -> str:
    """Hash what makes two requests the same: path, query, content type and body."""
    head = f"{request.full_path}\n{request.mimetype}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def _find(session: UnitOfWork, key: str) -> IdempotencyRecord | None:
    oldest = format_timestamp(datetime.now(UTC) - KEPT_FOR)
    session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.created_at < oldest))
    return session.get(IdempotencyRecord, (g.principal.agent_id, key))


def _replay(record: IdempotencyRecord) -> Response:
    kept = {"ETag": record.etag, "Location": record.location}
    headers = {REPLAYED: "true", **{name: value for name, value in kept.items() if value}}
    return Response(record.content, record.status, headers, content_type=JSON)
