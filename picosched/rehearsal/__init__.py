"""An engine on virtual time: simulations, transcripts, tests."""
