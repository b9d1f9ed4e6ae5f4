"""Raw mail (RFC 5322): from bytes to an incoming message."""
