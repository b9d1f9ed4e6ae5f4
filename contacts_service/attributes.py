"""Custom attributes: free-form, unless strict mode asks that their keys be defined."""

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service.errors import InputError
from contacts_service.models import AttributeDefinition
from contacts_service.strict_json import Json


def check_attributes(session: Session, attributes: Json) -> None:
    """Raises InputError that names each key without a definition, where strict mode is on."""
    if not current_app.config["CONTACTS_STRICT_ATTRIBUTES"]:
        return
    defined = set(
        session.scalars(
            select(AttributeDefinition.key).where(AttributeDefinition.key.in_(attributes))
        )
    )
    undefined = [key for key in attributes if key not in defined]
    if undefined:
        raise InputError(
            {f"custom_attributes.{key}": ["This attribute is not defined."] for key in undefined}
        )
