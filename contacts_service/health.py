"""`/health`: whether the database answers, for whoever watches the service."""

from flask import Blueprint, Flask, Response
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth import PUBLIC, requires
from contacts_service.database import reader
from contacts_service.models import Contact
from contacts_service.reading import Prepared

_ANYBODY = Prepared(select(Contact.id).limit(1))

blueprint = Blueprint("health", __name__)


def init_health(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/health")
@requires(PUBLIC)
def health() -> Response:
    """200 while the directory can be read, else 503; the body is empty."""
    try:
        reader().row(_ANYBODY)
    except SQLAlchemyError:
        return Response(status=503, headers={"Retry-After": "1"})
    return Response(status=200)
