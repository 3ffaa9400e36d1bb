"""The server's commands. Each is a module of `chatserver.commands` with a typer application named `app`.

To add one: write `chatserver/commands/<name>.py` and put its line here. Its body imports what it needs inside the
function, so that help and completion stay quick; it ends with the exit codes of sysexits.h (`os.EX_*`).
"""

from typing import Final

COMMANDS: Final[dict[str, str]] = {
    "demo": "chatserver.commands.demo",
    "serve": "chatserver.commands.serve",
    "user": "chatserver.commands.user",
    "conversation": "chatserver.commands.conversation",
    "migrate": "chatserver.commands.migrate",
    "config": "chatserver.commands.config",
    "version": "chatserver.commands.version",
}
"""Name -> module, in the order of the help."""
