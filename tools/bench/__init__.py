"""``make bench``: how fast the service is, side by side with a bare handler and HealthChain."""
