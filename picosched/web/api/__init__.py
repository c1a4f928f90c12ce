"""Our own routes, under `/api`: what the command line and the console can do, as JSON with a schema.

Each module is one noun and has a `router`. Functions are plain, so that FastAPI runs them in threads, where
they may wait for the store. `shapes` says how things look.
"""
