"""Every call that is one question and one answer, written once for both clients."""
