"""Times queries from rare to extremely common, in process and over HTTP."""

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import Engine

from bench.directories import opened
from bench.people import LAST, people
from bench.serving import served
from contacts_service.contacts import queries as directory
from contacts_service.db.queries import ReadConnection
from contacts_service.db.session import db
from contacts_service.strict_json import read_json, write_json

# What is in braces comes from one of the made-up people (`example`).
QUERIES = (
    # A character or two.
    *"a e l o s x z 7 王 и ß li an om co jo qz 41".split(),
    # In nearly everybody.
    *"com gmail gmail.com @gmail.com hotmail.com .com mail ail.c".split(),
    # Names, also as others spell them.
    *("linda", "olsen", "linda olsen", "smith", "fitzgerald", "o'neil", "van-dijk", "Jean-Pierre"),
    *("jose", "José", "soren", "Łukasz", "strauss", "Đoković", "thora", "konigsmann anais"),
    *("王小明", "小明", "张伟", "山田太郎", "田", "Ольга", "иванов", "ольга смирнов", "葛饰"),
    # Inside words.
    *("lsen", "ample", "nder", "rist", "hammed", "zgera", "ilva"),
    *("a@gm", "n@outl", "ez@y", "inh@h"),
    # Phones.
    *("412", "0412 345", "+61412345", "345678", "(412) 345", "000", "+61", "00 61 4", "9999999"),
    *("{last six digits}", "{phone}", "{local phone}"),
    # Whole addresses.
    *("{email}", "{EMAIL}", "{local part}", "linda.olsen@gmail.com", "nobody@example.com"),
    # A person, and what hardly anybody has.
    *(
        "{last name}",
        "{first name} {last name}",
        "{last name} gmail",
        "wanda tariq",
        "zfit",
        "qiangk",
    ),
    *("王 hotmail olga", "fitzgerald xenia gmail", "yusuf o'brien yahoo 412"),
    # What nobody has.
    *("zzzzq", "qqqqqq xxxxxx", "linda zzzzq", "gmail.com zzzzq", "xq7", "999999999999"),
    *("'; DROP TABLE", "☃", "linda@nowhere.example", "lindaolsenlindaolsen", "moc.liamg"),
    # Two words that over one person in a hundred has, each.
    *("gmail yahoo", "gmail.com hotmail.com", "outlook icloud", "linda maria", "anna john"),
    *("olsen smith", "garcia wang", "peter gmail", "nguyen com", "linda smith", "mail olsen"),
)


@dataclass
class Timing:
    """Seconds that a query took, round by round, and how many people it found."""

    query: str
    answers: int = 0
    small: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.large)

    @property
    def p99(self) -> float:
        return percentile(self.large, 99)

    @property
    def growth(self) -> float:
        return self.median / statistics.median(self.small)


def percentile(values: list[float], percent: int) -> float:
    """The smallest value that at least `percent` of all values do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def queries() -> list[str]:
    """QUERIES, filled in with the words of a person who is in every directory."""
    words = _example()
    return [query.format_map(words) for query in QUERIES]


def _example() -> dict[str, str]:
    """Words that find the first person with a rare name and a long number."""
    for person in people(1000):
        first, last = person["first_name"], person["last_name"]
        email, phone = person["email"] or "", person["phone"] or ""
        if email and phone.startswith("+") and last.isascii() and last.lower() not in LAST:
            digits = "".join(filter(str.isdigit, phone))
            return {
                "first name": first,
                "last name": last,
                "email": email,
                "EMAIL": email.upper(),
                "local part": email.split("@")[0],
                "phone": phone,
                "local phone": f"0{digits[-9:]}",
                "last six digits": digits[-6:],
            }
    raise LookupError("None of the made-up people will do.")


def time_queries(small: Path, large: Path, rounds: int, http_rounds: int) -> list[Timing]:
    """Time every query on both directories in turns, and on the large one over HTTP."""
    timings = [Timing(query) for query in queries()]
    with ExitStack() as stack:
        engines = []
        for path in (small, large):
            stack.enter_context(opened(path))
            engines.append(db.engine)
        for number in range(rounds + 1):
            for timing in timings:
                for engine, seconds in zip(engines, (timing.small, timing.large), strict=True):
                    taken, timing.answers = _search(engine, timing.query)
                    if number:  # the first round warms up
                        seconds.append(taken)
    with served(large) as service, service.caller() as caller:
        for number in range(http_rounds + 1):
            for timing in timings:
                taken = caller.get(f"/contacts/search?{urlencode({'q': timing.query})}")
                if number:
                    timing.http.append(taken)
    return timings


def _search(engine: Engine, query: str) -> tuple[float, int]:
    """How many seconds the search takes, and how many people it finds."""
    with engine.connect() as connection:
        reader = ReadConnection(connection.connection.dbapi_connection, engine.dialect)
        beginning = time.perf_counter()
        found = write_json(directory.search_contacts(reader, query))
        taken = time.perf_counter() - beginning
    return taken, len(read_json(found))
