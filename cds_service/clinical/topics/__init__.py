"""One module a topic: rows are tried from top to bottom, and the first that matches decides."""
