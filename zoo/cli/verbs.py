"""What a verb of the `zoo` command is to argparse."""

import argparse
from collections.abc import Callable


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
        """What the command's own parser calls for what follows the verb."""
        self.complete()
        return super().parse_known_args(args, namespace)
