"""The in-flash compute core: a matrix-vector product beside the page buffer, reads interleaved."""
