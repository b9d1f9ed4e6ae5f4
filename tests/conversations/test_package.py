"""The list of rules in the package's docstring names functions that exist."""

import importlib
import re

from contacts_service import conversations


def test_every_rule_names_its_function() -> None:
    rules = re.findall(r"`([\w.]+)\.(\w+)`", conversations.__doc__ or "")
    assert rules
    for module, function in rules:
        imported = importlib.import_module(f"contacts_service.conversations.{module}")
        assert callable(getattr(imported, function))
