"""What the operator sees of the service: log lines, metrics, its readiness, the audit record.

Nothing here holds patient data, tokens, bodies or a client's free text.
"""
