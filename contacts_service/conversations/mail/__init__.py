"""Reads raw mail (RFC 5322) as incoming messages. Other packages use `parser` alone."""
