"""`sotto chat`: the terminal client, full-screen or line by line."""
