"""Conversations and messages.

Where each rule of docs/messages.md is decided:

- A message is a duplicate: `inbound.find_duplicate`.
- Who the sender is: `senders.find_contact`; which names a new contact gets: `names.guess_names`.
- Which conversation a message belongs to: `inbound.find_thread`.
- Whether it goes to Spam, and whether it reopens the conversation: `inbound.route_message`.
- Who is copied in: `inbound.add_copied_in`.
- How raw mail is read: `mail.parser`; whether a machine sent it: `mail.parser.is_automatic`.
"""
