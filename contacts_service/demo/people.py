"""Makes up people of many languages and scripts: names, addresses, phones, attributes, times."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate

from contacts_service.contacts.bulk import NewContact
from contacts_service.contacts.channels import Address
from contacts_service.demo.words import COUNTRIES, DOMAINS, HANDLES, TIERS, Country
from contacts_service.errors import OperatorError
from contacts_service.strict_json import Json, write_json
from contacts_service.text import clean_line, fold
from contacts_service.timestamps import format_timestamp

SPAN = timedelta(days=3 * 365)
WEIGHTS = tuple(accumulate(country.weight for country in COUNTRIES))

_not_in_addresses = re.compile("[^a-z0-9]+")


class DemoError(OperatorError):
    """The demo cannot be made."""


@dataclass(slots=True)
class MadeUp:
    """A person to add, with the first free one of `emails` and all free ones of `channels`."""

    contact: NewContact
    emails: tuple[str, ...] = ()
    channels: list[Address] = field(default_factory=list)


class PeopleMaker:
    """Makes `count` people, of whom the last one is created at `now`.

    `first_number` makes their addresses unique. Raises DemoError if mimesis is not installed.
    """

    def __init__(self, chance: random.Random, now: datetime, first_number: int, count: int) -> None:
        self.random = chance
        self.now = now
        self.first_number = first_number
        self.count = count
        self.draw_name = _name_drawer(chance)

    def make(self, position: int) -> MadeUp:
        """The person at a position, counted from 0; their contact has no email yet."""
        chance, number = self.random, self.first_number + position
        [country] = chance.choices(COUNTRIES, cum_weights=WEIGHTS)
        first_name, last_name = self._name(country)
        # Ordered by id, as in a directory that has grown.
        created_at = self.now - SPAN * (1 - (position + chance.random()) / self.count)
        contact = NewContact(
            first_name=first_name,
            last_name=last_name,
            phone=self._phone(country) if chance.random() < 0.72 else None,
            blocked=chance.random() < 0.02,
            custom_attributes=write_json(self._attributes(country, last_name)).decode(),
            created_at=format_timestamp(created_at),
            updated_at=format_timestamp(
                created_at + (self.now - created_at) * chance.random() ** 3
            ),
        )
        made = MadeUp(contact)
        if chance.random() < 0.93:
            made.emails = self._emails(first_name, last_name, number)
        if chance.random() < 0.1 or not (made.emails or contact.phone):
            made.channels = self._channels(country, number)
        return made

    def _name(self, country: Country) -> tuple[str, str]:
        chance = self.random
        first_name, last_name = self.draw_name(country.locale)
        if country.surnames and chance.randrange(100) < country.common:
            last_name = chance.choice(country.surnames.split()).replace("_", " ")
        kind = chance.randrange(100)  # 2% have no first name, 5% no last name
        return (
            "" if kind < 2 else clean_line(first_name),
            "" if kind < 5 else clean_line(last_name),
        )

    def _attributes(self, country: Country, last_name: str) -> Json:
        chance = self.random
        attributes: Json = {}
        if chance.random() < 0.35:
            attributes["tier"] = chance.choice(TIERS)
        if last_name and chance.random() < 0.25:
            attributes["company"] = chance.choice(country.companies).format(last_name)
        if chance.random() < 0.05:
            attributes["vip"] = True
        return attributes

    def _emails(self, first_name: str, last_name: str, number: int) -> tuple[str, ...]:
        chance = self.random
        domain = chance.choice(DOMAINS)
        first, last = (_not_in_addresses.sub("", fold(name)) for name in (first_name, last_name))
        if not (first and last):
            return (f"{first or last or chance.choice(HANDLES)}{number}@{domain}",)
        local = chance.choice((f"{first}.{last}", f"{first[0]}.{last}", f"{first}_{last}", first))
        return f"{local}@{domain}", f"{local}{number}@{domain}"

    def _channels(self, country: Country, number: int) -> list[Address]:
        chance = self.random
        handle = chance.choice(HANDLES)
        phone = ("phone", self._phone(country))
        kinds: tuple[list[Address], ...] = (
            [("email", f"{handle}.{number}@example.net")],
            [phone],
            [("chat", f"visitor-{number}")],
            [("telegram", f"{handle}_{number}"), phone],
        )
        return chance.choice(kinds)

    def _phone(self, country: Country) -> str:
        digits = {"#": "0123456789", "%": "23456789"}
        mask = self.random.choice(country.phones)
        return "".join(self.random.choice(digits.get(mark, mark)) for mark in mask)


def _name_drawer(chance: random.Random) -> Callable[[str], tuple[str, str]]:
    """Return a function that draws a first and a last name of one gender in a locale."""
    try:
        from mimesis import Gender, Locale, Person  # only in the development requirements
    except ImportError:
        raise DemoError(
            "The names come from mimesis, which is not installed here; run `make demo`."
        ) from None
    people = {
        country.locale: Person(Locale(country.locale), seed=chance.getrandbits(32))
        for country in COUNTRIES
    }

    def draw(locale: str) -> tuple[str, str]:
        gender = chance.choice((Gender.FEMALE, Gender.MALE))
        person = people[locale]
        return person.first_name(gender=gender), person.last_name(gender=gender)

    return draw
