"""Our own routes under `/api`: the features of the command line and the console, as JSON with a schema.

Each module covers one noun and has a `router`. Functions are synchronous, so that FastAPI runs them in
threads, where they may wait for the store. `shapes` defines the models.
"""
