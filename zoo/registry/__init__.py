"""Names of models, and what the paper has for them."""
