"""Conversations and messages.

Where each rule of docs/messages.md is decided:

- Whether a message is a duplicate: `inbound.find_duplicate`.
- Who the sender is: `senders.find_contact`; which names a new contact gets: `names.guess_names`.
- Which conversation a message belongs to: `inbound.find_thread`.
- Whether it goes to Spam: `inbound.route_message`.
- Whether it reopens the conversation: `inbound.reopens`.
- Who is copied in: `inbound.add_copied_in`.
- Who wrote a raw mail: `mail.parser.find_sender`.
- Whether a machine wrote it: `mail.automatic.origin_of`.
- Who is nobody: `addresses.is_nobody`; who only forwards: `addresses.is_forwarder`.
- Which text of a mail counts: `mail.body.plain_text`; its charset: `mail.charsets.decode`.
- Which mails are refused: `mail.parser.parse_mail`.
"""
