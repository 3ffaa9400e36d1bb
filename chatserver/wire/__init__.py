"""The wire: frames, the catalogue of refusals and endings, limits. Pure; docs/PROTOCOL.md is its contract."""
