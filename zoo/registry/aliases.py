"""Old names of models. A published name is an interface: when a model is renamed, its old name goes on working."""

import warnings
from types import MappingProxyType

ALIASES = MappingProxyType[str, str]({})
"""``{old name: name of today}``; nothing has been renamed yet."""


def canonical(name: str) -> str:
    """Today's name of a model, with a warning if `name` is an old one."""
    if name not in ALIASES:
        return name
    warnings.warn(f"'{name}' is now called '{ALIASES[name]}'", FutureWarning, stacklevel=3)
    return ALIASES[name]
