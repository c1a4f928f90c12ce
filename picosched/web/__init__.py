"""HTTP: the peer's paths for its clients (`sky`), our own under `/api`, metrics and the console's place.

`site.Site` stands in front of all: it knows hosts, tokens, rates and sizes, answers the peer's paths
itself, and leaves the rest to FastAPI (`app`). `desk` hands work to the engine. `serving` puts it all on a
socket.
"""
