"""One card per published model. Data; see `zoo.card`."""
