"""HTTP: the Node engine's paths for its clients (`sky`), our own under `/api`, metrics, and the console.

`site.Site` is the outermost layer: it checks hosts, tokens, rates and sizes, answers the Node engine's
paths itself, and passes the rest to FastAPI (`app`). `desk` passes work to the engine. `serving` serves it
all on a socket.
"""
