"""The verbs of `proactivebench annotate`: one module each, loaded when it is called."""
