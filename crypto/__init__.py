"""Everything Sotto seals or signs. Knows PyNaCl and the standard library, no server and no client."""
