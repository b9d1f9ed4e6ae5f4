"""`/health`: whether the database answers, for whoever watches the service."""

from flask import Blueprint, Flask, Response, g
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.permissions import PUBLIC, requires
from contacts_service.db.models import Contact
from contacts_service.db.queries import Prepared
from contacts_service.db.session import backend, reader, why_unavailable

_ALL_TABLES = Prepared(
    select(*(exists(select(*each.columns)) for each in Contact.metadata.sorted_tables))
)
SOME_TOKENS = [[["a"]], [["t"]]]  # of words, and of what is inside of them

blueprint = Blueprint("health", __name__)


def init_health(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/health")
@requires(PUBLIC)
def health() -> Response:
    """200 while every table and the search index can be read, else 503; the body is empty."""
    try:
        reader().row(_ALL_TABLES)
        backend().search.seen_by(reader()).few(SOME_TOKENS, most=1)
    except SQLAlchemyError as error:
        g.unavailable = why_unavailable(error) or "unreachable"
        return Response(status=503, headers={"Retry-After": "1"})
    return Response(status=200)
