"""One module a topic: each tries its rows from top to bottom, and the first that matches decides."""
