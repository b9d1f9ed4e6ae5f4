"""`flask inbound`: messages that a program of this machine hands over.

The exit codes are those of sysexits.h, by which a mail server knows whether to try again.
"""

import logging
import os
import sys
from contextlib import suppress

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.config import SettingsError
from contacts_service.conversations import inbound
from contacts_service.conversations.incoming import IncomingMessage
from contacts_service.conversations.mail import parser as mail
from contacts_service.db.migrate import migrate_database
from contacts_service.db.session import unit_of_work
from contacts_service.limits import MAIL_BODY

logger = logging.getLogger(__name__)

inbound_group = AppGroup("inbound", help="Messages that have arrived.")


@inbound_group.command("mail")
def receive_mail() -> None:
    """Take in a raw mail from standard input.

    Exit code 65 says that the mail cannot be taken in, 75 to try again later.
    """
    try:
        outcome = _take_in(_read_mail())
    except mail.UnusableMailError as error:
        click.echo(f"The mail was refused: {error}", err=True)
        sys.exit(os.EX_DATAERR)
    except (SettingsError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", error)
        click.echo(f"The mail cannot be taken in for now: {cause}", err=True)
        sys.exit(os.EX_TEMPFAIL)
    except Exception as error:  # whatever it is, the mail must not be lost
        logger.error("A mail could not be taken in.", exc_info=error)
        sys.exit(os.EX_TEMPFAIL)
    with suppress(OSError):  # it is taken in, whether or not anybody hears of it
        click.echo(outcome)


def _read_mail() -> IncomingMessage:
    raw = sys.stdin.buffer.read(MAIL_BODY + 1)
    if len(raw) > MAIL_BODY:
        raise mail.UnusableMailError(f"It is over {MAIL_BODY} bytes.")
    return mail.read_mail(raw)


def _take_in(message: IncomingMessage) -> str:
    """What became of the message, as a line."""
    migrate_database(is_patient=False)  # the mail system tries again
    with unit_of_work() as session:
        answer, is_new = inbound.receive_message(session, message)
    where = f"conversation {answer['conversation']['reference_number']}, {answer['bucket']}"
    return f"Taken in: {where}." if is_new else f"Seen before: {where}."
