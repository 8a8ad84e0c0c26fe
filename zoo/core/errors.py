"""What can go wrong with a model that comes from elsewhere."""


class ZooError(Exception):
    """Base of the errors of finding, loading and publishing models."""


class UnknownModelError(ZooError):
    """The name is not one of the zoo's grammar, or no checkpoint of it is published."""


class DamagedCheckpointError(ZooError):
    """Files are missing, superfluous, altered, or do not have the content that the format says."""


class UnsupportedCheckpointError(ZooError):
    """The checkpoint was written by a newer version of the zoo."""


class DataNotFoundError(ZooError):
    """A data set is not on this machine and cannot be fetched."""


class MissingPackageError(ZooError):
    """A package that this part of the zoo needs is not installed, or cannot be imported."""


class OtherArraysError(DamagedCheckpointError):
    """Files hold other arrays than they should, by name, shape or dtype."""


class DivergedError(ZooError):
    """A training ended in parameters that are not finite numbers."""


class HubError(ZooError):
    """The Hub cannot be reached, refuses, or has no such repository or revision."""
