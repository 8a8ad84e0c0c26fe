"""What a verb of the `zoo` command is to argparse."""

import argparse
import difflib
from collections.abc import Callable
from typing import NoReturn


class Verb(argparse.ArgumentParser):
    """A verb's parser: options that need the registry are added when the verb is asked for.

    Attributes:
        later: adds them.
    """

    later: Callable[[argparse.ArgumentParser], None] | None = None

    def complete(self) -> None:
        """Adds what was left for later."""
        later, self.later = self.later, None
        if later is not None:
            later(self)

    def parse_known_args(self, args=None, namespace=None):
        """What the command's own parser calls for what follows the verb.

        Unknown options end here, where the usage that is shown is the verb's, and not the whole command's.
        """
        self.complete()
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown)
        return known, unknown

    def _refuse(self, unknown: list[str]) -> NoReturn:
        """Ends with the options that may be meant."""
        texts = []
        for word in unknown:
            name = word.split("=")[0]
            close = difflib.get_close_matches(name, self._option_string_actions, n=1, cutoff=0.6)
            texts.append(f"{word} (did you mean {close[0]}?)" if name.startswith("-") and close else word)
        self.error(f"unrecognized arguments: {' '.join(texts)}")
