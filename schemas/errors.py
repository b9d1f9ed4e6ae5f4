"""The sentences about invalid input, in the form of docs/api.md."""

from typing import Any

UNKNOWN = "Unknown "  # begins the sentence about a name that is not known


def flatten(tree: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten marshmallow's tree of sentences to dotted paths: `from.email`, `rules[1]`."""
    if not isinstance(tree, dict):
        return {path: list(tree)}
    flat: dict[str, list[str]] = {}
    for name, branch in tree.items():
        # marshmallow calls the object as a whole `_schema`; an unknown field may have that name.
        is_whole = name == "_schema" and type(name) is str
        if is_whole and not (isinstance(branch, list) and branch[0].startswith(UNKNOWN)):
            below = path
        elif isinstance(name, int):
            below = f"{path}[{name}]"
        else:
            below = f"{path}.{name}" if path else name
        for place, sentences in flatten(branch, below).items():
            flat.setdefault(place, []).extend(sentences)
    return flat
