"""A text that fits the pattern in the OpenAPI document is one that the service takes."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import class_registry, fields

from contacts_service.factory import create_app
from schemas.definitions import Pattern

AWKWARD = " \t\n\r\0\x1f\x7f\x85\xa0\u200b\u2028\ufeff,;:<>@()[]{}|/\\\"'$%&*+-_.=^~aA1é\u0301😀"


def published() -> Iterator[tuple[str, fields.Field]]:
    create_app({})  # registers the schemas of every route
    for schema_name, (schema, *_) in class_registry._registry.items():
        for name, field in getattr(schema, "_declared_fields", {}).items():
            one = field.inner if isinstance(field, fields.List) else field
            is_text = isinstance(one, fields.String) and "pattern" in one.metadata
            if "." not in schema_name and is_text and not isinstance(one, Pattern):
                yield f"{schema_name}.{name}", one


@pytest.mark.parametrize("field", [pytest.param(f, id=name) for name, f in published()])
@given(written=st.text(st.sampled_from(AWKWARD), max_size=12) | st.text(max_size=12))
def test_what_fits_the_pattern_is_accepted(field: fields.Field, written: str) -> None:
    if re.search(field.metadata["pattern"].replace("$", r"\Z"), written):
        field.deserialize(written)
