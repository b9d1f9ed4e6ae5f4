"""Conversations and messages, and how incoming ones become them."""
