"""Links between devices and the collectives over them. See docs/methods/link.md."""
