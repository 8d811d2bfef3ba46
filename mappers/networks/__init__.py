"""Networks: read one from the catalog or a Hugging Face `config.json`, and ask it for its operators and its memory."""

from hwsim.mappers.networks.network import Network
from hwsim.mappers.networks.reading import list_networks, read_network

__all__ = ["Network", "list_networks", "read_network"]
