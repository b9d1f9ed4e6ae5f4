"""Contacts with their channels, notes and custom attributes."""
