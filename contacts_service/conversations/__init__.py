"""Conversations and messages.

Where each rule of docs/messages.md is decided:

- Whether a message is a duplicate: `inbound.find_duplicate`.
- Who the sender is: `senders.find_contact`; which names a new contact gets: `names.guess_names`.
- Which conversation a message belongs to: `inbound.find_thread`.
- Whether it goes to Spam, and whether it reopens the conversation: `inbound.route_message`.
- Who is copied in: `inbound.add_copied_in`.
- Who wrote a raw mail: `mail.parser.find_sender`.
- Whether a machine wrote it: `mail.parser.is_automatic`.
- Which text of a mail counts: `mail.body.plain_text`; its charset: `mail.charsets.decode`.
- Which mails are refused: `mail.parser.parse_mail`.
"""
