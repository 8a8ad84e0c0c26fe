"""What can go wrong between this machine and the Hub, in one sentence each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.core.errors import HubError


@contextmanager
def explained(repository: str, endpoint: str, cache: Path, revision: str | None = None) -> Iterator[None]:
    """Turns what the client raises into one sentence on what happened and what to do.

    Args:
        repository: ``org/name`` that is asked for.
        endpoint: address of the Hub.
        cache: folder of the client's cache.
        revision: branch, tag or commit that is asked for.

    Raises:
        HubError: for everything that the Hub, the network or the cache's disk can do wrong.
    """
    import httpx2
    from huggingface_hub import errors

    at = f"{endpoint}/{repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise HubError(f"{at} asks for its terms to be accepted: do so in a browser, then give your token") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"there is no {at}, or it is private: check the name; for a private repository pass token=, "
            "set HF_TOKEN, or run: hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{at} has no branch, tag or commit '{revision or 'main'}'") from error
    except errors.HfHubHTTPError as error:
        raise HubError(_status_message(at, error)) from error
    except (httpx2.HTTPError, errors.RevisionResolutionError, errors.LocalEntryNotFoundError) as error:
        raise HubError(
            f"{endpoint} cannot be reached ({_root(error)}), and {repository} is not complete in the cache "
            f"{cache}: check the network, or HF_ENDPOINT; or copy the cache of a machine that ran: "
            f"zoo pull hf://{repository}"
        ) from error
    except ValueError as error:  # What the client makes of a refused connection when it must fetch again.
        raise HubError(f"{at} could not be fetched again: {_root(error)}") from error
    except (AssertionError, AttributeError, LookupError, TypeError) as error:  # What it makes of other JSON.
        raise HubError(
            f"{at}: the answer is not one of a Hub ({type(error).__name__}: {str(error)[:200]}); check HF_ENDPOINT"
        ) from error
    except OSError as error:
        raise HubError(
            f"{at} could not be fetched into {cache}: {str(error).splitlines()[0]}; try again, or set HF_HUB_CACHE"
        ) from error


def _status_message(at: str, error) -> str:
    status = error.response.status_code
    if status == 401:
        return f"{at}: the Hub does not accept the token (401): renew HF_TOKEN, or run: hf auth login"
    if status == 403:
        return f"{at}: the token may not do this (403): make one with the right to write, or ask the owner"
    return f"{at}: the Hub answered {status}; try again later. {str(error).splitlines()[0]}"


def _root(error: BaseException) -> str:
    """The innermost cause in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
