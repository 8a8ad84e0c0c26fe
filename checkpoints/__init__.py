"""Published models, one folder each. Data; see `zoo.load`."""
