"""What SQL says alike in every database."""

import sys

from flask import Flask
from sqlalchemy import literal, select

from contacts_service.db.session import db
from contacts_service.db.sql import casefold

LETTERS = "".join(
    letter
    for letter in map(chr, range(1, sys.maxunicode + 1))
    if letter != letter.casefold() or letter != letter.swapcase()
)


def test_letters_are_folded_as_python_does(app: Flask) -> None:
    with app.app_context():
        folded = db.session.scalar(select(casefold(literal(LETTERS))))
    assert folded == LETTERS.casefold()
