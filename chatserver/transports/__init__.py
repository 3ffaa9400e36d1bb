"""The sockets: one port, native WebSocket, HTTP. The only room that knows picows."""
