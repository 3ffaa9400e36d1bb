"""What relaying one message costs: Sotto's whole path beside bare relays, in one run (`make bench`)."""
