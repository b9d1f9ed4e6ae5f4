"""What marshmallow has to say about bad input, in the contract's form."""

from typing import Any

UNKNOWN = ["Unknown field."]


def flatten(tree: Any, path: str = "") -> dict[str, list[str]]:
    """marshmallow's tree of messages as dotted paths: `from.email`, `rules[1]` (section 1)."""
    if not isinstance(tree, dict):
        return {path: list(tree)}
    flat: dict[str, list[str]] = {}
    for name, branch in tree.items():
        # An unknown field may be called what marshmallow calls the object as a whole.
        if name == "_schema" and type(name) is str and branch != UNKNOWN:
            below = path
        elif isinstance(name, int):
            below = f"{path}[{name}]"
        else:
            below = f"{path}.{name}" if path else name
        for place, sentences in flatten(branch, below).items():
            flat.setdefault(place, []).extend(sentences)
    return flat
