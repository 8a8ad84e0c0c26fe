"""Files, errors, numbers in words: what knows nothing of networks."""
