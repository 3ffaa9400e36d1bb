"""The relay: accepts, commits, hands over, receipts. It cannot open what it carries."""
