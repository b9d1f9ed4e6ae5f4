"""HTTP: blueprint, parsing, answers, the API document."""
