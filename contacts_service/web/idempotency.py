"""`Idempotency-Key`: a repeated POST gets the first answer again and writes nothing.

The answer is kept in the transaction of what it tells of, so that neither is there without the
other. A repeat waits for the first as any writer waits for another (contract, section 1).
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask import Request, Response, g, request
from sqlalchemy import delete

from contacts_service.db.models import KeptAnswer
from contacts_service.db.session import UnitOfWork, unit_of_work
from contacts_service.errors import ConflictError, InputError, ServiceError
from contacts_service.timestamps import now, wire_time
from contacts_service.web import responses as envelope

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PATTERN = "^[!-~]{1,255}$"
KEPT_FOR = timedelta(hours=24)


def is_asked_for(asked: Request) -> bool:
    """Whether the request is one that may be repeated without harm."""
    return asked.method == "POST" and HEADER in asked.headers


def answer_once(answer: Callable[[], Response], body: bytes | None) -> Response:
    """The kept answer of this request, or `answer`'s, which is kept if it is below 500.

    None is a body larger than any route takes: a key that is known is another request's, and the
    refusal is not kept, as no two such bodies can be told apart.

    Raises InputError for a key that will not do, ConflictError for one of another request.
    """
    key = request.headers[HEADER]
    if not re.fullmatch(PATTERN, key):
        raise InputError(
            {HEADER: ["Must be 1 to 255 visible ASCII characters."]}, location="headers"
        )
    fingerprint = None if body is None else _fingerprint(body)
    with unit_of_work() as session:
        kept = _find(session, key)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise ConflictError(f"The {HEADER} was sent with another request.")
            return _replay(kept)
        try:
            response = answer()
        except ServiceError as error:
            if error.status >= 500 or fingerprint is None:
                raise
            response = envelope.failure(error)
        session.add(
            KeptAnswer(
                agent_id=g.principal.agent_id,
                key=key,
                fingerprint=fingerprint,
                status=response.status_code,
                etag=response.headers.get("ETag"),
                content=response.get_data(as_text=True),
                created_at=now(),
            )
        )
    return response


def _fingerprint(body: bytes) -> str:
    """What tells one request from another: where it goes, and what it says."""
    head = f"{request.full_path}\n{request.mimetype}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def _find(session: UnitOfWork, key: str) -> KeptAnswer | None:
    oldest = wire_time(datetime.now(UTC) - KEPT_FOR)
    session.execute(delete(KeptAnswer).where(KeptAnswer.created_at < oldest))
    return session.get(KeptAnswer, (g.principal.agent_id, key))


def _replay(kept: KeptAnswer) -> Response:
    headers = {REPLAYED: "true"} | ({"ETag": kept.etag} if kept.etag else {})
    return Response(kept.content, kept.status, headers, content_type=envelope.JSON)
