"""The walk of a message: session, relay, spool, hub, mailbox."""
