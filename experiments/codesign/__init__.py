"""Co-design: an architecture chosen by characterised numbers, then generated, verified in RTL and synthesised."""
