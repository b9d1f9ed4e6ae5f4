"""The sentences about invalid input, in the form of docs/api.md."""

from typing import Any

UNKNOWN = ["Unknown field."]


def flatten(tree: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten marshmallow's tree of sentences to dotted paths: `from.email`, `rules[1]`."""
    if not isinstance(tree, dict):
        return {path: list(tree)}
    flat: dict[str, list[str]] = {}
    for name, branch in tree.items():
        # marshmallow calls the object as a whole `_schema`; an unknown field may have that name.
        if name == "_schema" and type(name) is str and branch != UNKNOWN:
            below = path
        elif isinstance(name, int):
            below = f"{path}[{name}]"
        else:
            below = f"{path}.{name}" if path else name
        for place, sentences in flatten(branch, below).items():
            flat.setdefault(place, []).extend(sentences)
    return flat
