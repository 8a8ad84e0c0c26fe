"""Models on disk and on the Hub: the checkpoint format, and from a name to a verified model."""
