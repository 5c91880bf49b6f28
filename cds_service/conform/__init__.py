"""Black-box conformance: what can be seen of any CDS service from outside, by requirement id."""
