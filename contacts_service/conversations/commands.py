"""`flask inbound`: takes in messages that a program on this machine hands over.

The exit codes are those of sysexits.h, which tell a mail server whether to try again.
"""

import logging
import os
import sys
from contextlib import suppress

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.config import SettingsError
from contacts_service.conversations.addresses import is_forwarder
from contacts_service.conversations.inbound import receive_message
from contacts_service.conversations.incoming import IncomingMessage
from contacts_service.conversations.mail.parser import UnusableMailError, parse_mail
from contacts_service.db.migrate import migrate_database
from contacts_service.db.session import unit_of_work
from contacts_service.limits import MAIL_BODY

logger = logging.getLogger(__name__)

inbound_group = AppGroup("inbound", help="Take in messages that have arrived.")


@inbound_group.command("mail")
def receive_mail() -> None:
    """Take in a raw mail from standard input.

    Exits with 65 if the mail can never be taken in, and with 75 if it should be sent again later.
    """
    try:
        outcome = _record(_read_mail())
    except UnusableMailError as error:
        click.echo(f"The mail was refused: {error}", err=True)
        sys.exit(os.EX_DATAERR)
    except (SettingsError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", error)
        click.echo(f"The mail cannot be taken in for now: {cause}", err=True)
        sys.exit(os.EX_TEMPFAIL)
    except Exception as error:  # a mail must not be lost, whatever went wrong
        logger.error("A mail could not be taken in.", exc_info=error)
        sys.exit(os.EX_TEMPFAIL)
    with suppress(OSError):  # the mail is recorded, even if nobody reads the output
        click.echo(outcome)


def _read_mail() -> IncomingMessage:
    raw = sys.stdin.buffer.read(MAIL_BODY + 1)
    if len(raw) > MAIL_BODY:
        raise UnusableMailError(f"It is over {MAIL_BODY} bytes.")
    return parse_mail(raw, is_forwarder)


def _record(message: IncomingMessage) -> str:
    """Record the message, and describe the outcome in one line."""
    migrate_database(is_patient=False)  # the mail server tries again
    with unit_of_work() as session:
        answer, is_new = receive_message(session, message)
    where = f"conversation {answer['conversation']['reference_number']}, {answer['bucket']}"
    return f"Taken in: {where}." if is_new else f"Seen before: {where}."
