"""Node, mailbox, transport, directory, supervision, launcher: what makes actors run."""
