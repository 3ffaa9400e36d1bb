"""The commands of the server, one module each; chatserver.cli lists them."""
