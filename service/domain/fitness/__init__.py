"""National fitness standards as data, and pure scorers of results under them."""
