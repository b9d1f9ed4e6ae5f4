"""The table of settings, which come from environment variables that begin with `CONTACTS_`.

An unknown name or an invalid value raises SettingsError. Variables that Kubernetes injects for a
Service called "contacts" are ignored.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from contacts_service.errors import OperatorError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
IS_INSTALLED = PROJECT_FOLDER.name == "site-packages" or not (PROJECT_FOLDER / "app.py").exists()
INSTANCE_FOLDER = (Path.cwd() if IS_INSTALLED else PROJECT_FOLDER) / "instance"
PREFIX = "CONTACTS_"
FILE = "_FILE"  # at the end of a name: the value stands in this file

# Options of psycopg (not of libpq) that the service sets itself.
PSYCOPGS_OWN = {"autocommit", "context", "cursor_factory", "row_factory"}

ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?"
)
INJECTED_BY_KUBERNETES = re.compile(r"CONTACTS_(SERVICE_|PORT_(?!FILE=))|CONTACTS_PORT=tcp://")


class SettingsError(OperatorError):
    """The service cannot start with a setting. The message says which and why."""


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def boolean(text: str) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in words:
        raise ValueError("must be true or false")
    return words[text.lower()]


def one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def comma_separated(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def origins(text: str) -> tuple[str, ...]:
    """Origins as browsers send them: a scheme and a host, and a port where it is not the usual."""
    found = comma_separated(text)
    for origin in found:
        is_usual = re.fullmatch(r"http://.*:80|https://.*:443", origin)
        matched = ORIGIN.fullmatch(origin)
        if found != ("*",) and (is_usual or not matched or int(matched["port"] or 1) > 65535):
            raise ValueError(
                f"must be origins such as https://desk.example.com, or * alone; not {origin}"
            )
    return found


def mail_addresses(text: str) -> frozenset[str]:
    """Addresses in lower case, and domains with an @ in front."""
    found = [word.lower() for word in comma_separated(text)]
    for address in found:
        if not re.fullmatch(r"[^\s@]*@[^\s@]+\.[^\s@]+", address):
            raise ValueError(f"must be addresses or @domains; {address} is none")
    return frozenset(found)


def database_url(text: str) -> str:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        raise ValueError("must be a database URL such as sqlite:////var/lib/contacts.db") from None
    if url.drivername in ("postgresql", "postgresql+psycopg") and url.database:
        own = PSYCOPGS_OWN & url.query.keys()
        if own:
            raise ValueError(f"must not have the option {min(own)}")
        threshold = url.query.get("prepare_threshold", "0")
        if not (isinstance(threshold, str) and re.fullmatch("[0-9]{1,9}", threshold)):
            raise ValueError("must have a whole number as its prepare_threshold")
        return text
    is_file = url.database and not url.database.startswith((":", "file:"))
    if url.drivername not in ("sqlite", "sqlite+pysqlite") or not is_file or url.host or url.query:
        raise ValueError(
            "must name a SQLite file, as in sqlite:////var/lib/contacts.db, or a PostgreSQL "
            "database, as in postgresql+psycopg://role:password@host/contacts"
        )
    return text


@dataclass(frozen=True)
class Setting:
    """A row of the table. `default` is written as in the environment; "" means unset.

    `told_default` is the default in docs/running.md if the real one depends on the machine.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str
    told_default: str = ""


SETTINGS = (
    Setting(
        "CONTACTS_DATABASE_URL",
        f"sqlite:///{INSTANCE_FOLDER / 'contacts.db'}",
        database_url,
        "The database, as an SQLAlchemy URL.",
        "`instance/contacts.db`",
    ),
    Setting(
        "CONTACTS_BUSY_TIMEOUT",
        "5",
        whole_number(0, 600),
        "Seconds to wait for a busy database before answering 503.",
    ),
    Setting(
        "CONTACTS_QUERY_TIMEOUT",
        "10",
        whole_number(1, 600),
        "Seconds that a request may read in the database, on PostgreSQL with each query, "
        "before it is answered with 503.",
    ),
    Setting("CONTACTS_HOST", "127.0.0.1", str, "The address to listen on."),
    Setting("CONTACTS_PORT", "9000", whole_number(1, 65535), "The port to listen on."),
    Setting(
        "CONTACTS_WORKERS",
        str(os.cpu_count() or 1),
        whole_number(1, 64),
        "Worker processes.",
        "the number of cores",
    ),
    Setting(
        "CONTACTS_THREADS",
        "4",
        whole_number(1, 64),
        "How many requests of a worker may read in the database at a time.",
    ),
    Setting(
        "CONTACTS_TRUSTED_PROXIES",
        "0",
        whole_number(0, 10),
        "How many proxies in front may set X-Forwarded-For, -Proto, -Host and -Prefix.",
    ),
    Setting(
        "CONTACTS_LOG_FORMAT",
        "json",
        one_of("json", "text"),
        "`json` writes one object a line, `text` lines for a person.",
    ),
    Setting(
        "CONTACTS_LOG_LEVEL",
        "info",
        one_of("info", "warning", "error"),
        "The least that is logged; requests are `info`.",
    ),
    Setting(
        "CONTACTS_LOG_CLIENT",
        "true",
        boolean,
        "Whether the log has the client's address, from the proxy's headers where it is trusted.",
    ),
    Setting(
        "CONTACTS_CORS_ORIGINS",
        "",
        origins,
        "The origins whose pages may call the API from a browser, comma-separated, or `*`.",
    ),
    Setting(
        "CONTACTS_LOG_REFUSALS",
        "false",
        boolean,
        "Whether the log has the sentence of each refused request, which may quote what was sent; "
        "`make run` sets it.",
    ),
    Setting("CONTACTS_METRICS", "false", boolean, "Whether `/metrics` is there."),
    Setting(
        "CONTACTS_STRICT_ATTRIBUTES",
        "false",
        boolean,
        "Whether custom attributes must be defined, and their values suit the definitions.",
    ),
    Setting(
        "CONTACTS_OWN_ADDRESSES",
        "",
        mail_addresses,
        "The addresses of the help desk itself, and `@domains`, comma-separated: no contacts.",
    ),
    Setting(
        "CONTACTS_FORWARDERS",
        "",
        mail_addresses,
        "The addresses that only forward, such as a contact form's, and `@domains`.",
    ),
    Setting("CONTACTS_JWT_SECRET", "", str, "The shared secret of HS256 tokens."),
    Setting(
        "CONTACTS_JWT_PUBLIC_KEY",
        "",
        str,
        "The public key of RS256, ES256 or EdDSA tokens: PEM text, or the path of a PEM file.",
    ),
    Setting(
        "CONTACTS_JWT_JWKS", "", str, "The JWKS document with the public keys: a path or a URL."
    ),
    Setting(
        "CONTACTS_JWT_ALGORITHMS",
        "",
        comma_separated,
        "The accepted algorithms, comma-separated; by default those that suit the key.",
    ),
    Setting("CONTACTS_JWT_ISSUER", "", str, "The `iss` that a token must carry."),
    Setting("CONTACTS_JWT_AUDIENCE", "", str, "The `aud` that a token must carry."),
)


def load_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read every setting. The value is None for one that is unset and has no default.

    A name with _FILE at its end gives the path of a file that holds the value, for secrets. Raises
    SettingsError for the first unknown name, unreadable file or invalid value.
    """
    known = {setting.name for setting in SETTINGS}
    given = {
        name: value
        for name, value in environ.items()
        if name.startswith(PREFIX) and not INJECTED_BY_KUBERNETES.match(f"{name}={value}")
    }
    for name in known:
        path = given.pop(f"{name}{FILE}", "").strip()  # "" is unset, as everywhere
        if path and given.get(name):
            raise SettingsError(f"{name} and {name}{FILE} are set together; keep one of them.")
        if path:
            given[name] = _content(f"{name}{FILE}", path)
    unknown = sorted(set(given) - known)
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting of this service; see docs/running.md.")
    return {setting.name: _value(setting, given.get(setting.name, "")) for setting in SETTINGS}


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{name} names {path}, which cannot be read: {reason}.") from None


def _value(setting: Setting, text: str) -> Any:
    text = text.strip() or setting.default
    if not text:
        return None
    try:
        return setting.parse(text)
    except ValueError as error:
        raise SettingsError(f"{setting.name} {error}.") from None
