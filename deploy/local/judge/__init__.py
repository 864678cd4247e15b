"""Whether a run was right: what went in against what the logs, the receipts and the pages say."""
